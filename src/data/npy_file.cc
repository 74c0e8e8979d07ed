#include "data/npy_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <limits>
#include <system_error>

#include "data/npy_header.h"
#include "data/room.h"
#include "platform/mapped_file.h"
#include "util/check.h"
#include "util/shape.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

// The format is little-endian, and values are copied without a look at their
// bytes.
static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMagicAndVersionBytes = 8;
// NumPy itself refuses to read a longer header.
constexpr size_t kMaxHeaderBytes = 10'000;
constexpr size_t kChunkBytes = 64 * 1024;
// Mapped values that are looked at before their pages are given back: 64 MiB.
constexpr size_t kCheckedValues = size_t{16} * 1024 * 1024;

struct TypeEntry {
  NpyFile::Type type;
  std::string_view descr;  // in the header
  std::string_view name;
  uint64_t bytes;
};
constexpr TypeEntry kTypes[] = {
    {NpyFile::Type::kUint8, "|u1", "uint8", 1},
    {NpyFile::Type::kUint16, "<u2", "uint16", 2},
    {NpyFile::Type::kUint32, "<u4", "uint32", 4},
    {NpyFile::Type::kUint64, "<u8", "uint64", 8},
    {NpyFile::Type::kInt8, "|i1", "int8", 1},
    {NpyFile::Type::kInt16, "<i2", "int16", 2},
    {NpyFile::Type::kInt32, "<i4", "int32", 4},
    {NpyFile::Type::kInt64, "<i8", "int64", 8},
    {NpyFile::Type::kFloat32, "<f4", "float32", 4},
    {NpyFile::Type::kFloat64, "<f8", "float64", 8},
};

const TypeEntry& EntryOf(NpyFile::Type type) {
  return *std::ranges::find(kTypes, type, &TypeEntry::type);
}

// Whether the value can be kept as a float32. NaN compares as false.
template <std::floating_point Stored>
bool Fits(Stored value) {
  return std::abs(value) <= std::numeric_limits<float>::max();
}

// Whether the value can be a label, which has 8 bits.
template <std::integral Stored>
bool Fits(Stored value) {
  return std::in_range<uint8_t>(value);
}

}  // namespace

Result<NpyFile> NpyFile::Open(const fs::path& path) {
  std::error_code error;
  const uint64_t file_bytes = fs::file_size(path, error);
  if (error) return Fail("cannot read {}: {}", path.string(), error.message());
  NpyFile file(path, std::ifstream(path, std::ios::binary));
  if (!file.stream_.is_open()) {
    return Fail("cannot read {}: {}", path.string(),
                std::generic_category().message(errno));
  }
  ASSIGN_OR_RETURN(const std::string header, file.ReadHeader(file_bytes));
  RETURN_IF_ERROR(file.ParseHeader(header));
  file.data_offset_ = file.stream_.tellg();
  RETURN_IF_ERROR(
      file.CheckSize(file_bytes - static_cast<uint64_t>(file.data_offset_)));
  return file;
}

std::string_view NpyFile::type_name() const { return EntryOf(type_).name; }

bool NpyFile::Read(std::string& bytes) {
  stream_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return stream_.good();
}

Result<std::string> NpyFile::ReadHeader(uint64_t file_bytes) {
  const auto ends_early = [&] {
    return Fail(
        "{}: expected an .npy file, found {} bytes, too few for its header; "
        "save the array again",
        path(), file_bytes);
  };
  std::string start(kMagicAndVersionBytes, '\0');
  if (!Read(start)) return ends_early();
  if (!start.starts_with(kMagic)) {
    return Fail(
        "{}: expected the magic bytes 93 NUMPY, found others; write the file "
        "with numpy.save",
        path());
  }
  const int major = static_cast<uint8_t>(start[6]);
  const int minor = static_cast<uint8_t>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    return Fail(
        "{}: expected .npy version 1.0, 2.0 or 3.0, found {}.{}; write the "
        "file with numpy.save",
        path(), major, minor);
  }
  std::string size(major == 1 ? 2 : 4, '\0');
  if (!Read(size)) return ends_early();
  size_t header_bytes = 0;
  std::memcpy(&header_bytes, size.data(), size.size());
  if (header_bytes > kMaxHeaderBytes) {
    return Fail(
        "{}: expected a header of at most {} bytes, found {}; save the array "
        "again",
        path(), kMaxHeaderBytes, header_bytes);
  }
  std::string header(header_bytes, '\0');
  if (!Read(header)) return ends_early();
  return header;
}

Status NpyFile::ParseHeader(std::string_view header) {
  auto fields = ParseNpyHeader(header);
  if (!fields) {
    return Fail(
        "{}: expected a header like {{'descr': '<f4', 'fortran_order': False, "
        "'shape': (60000, 784), }}, found another; save a plain array with "
        "numpy.save",
        path());
  }
  if (fields->descr.starts_with('>')) {
    return Fail(
        "{}: expected little-endian values, found '{}'; save "
        "array.astype(array.dtype.newbyteorder('<'))",
        path(), fields->descr);
  }
  const auto* entry =
      std::ranges::find(kTypes, fields->descr, &TypeEntry::descr);
  if (entry == std::end(kTypes)) {
    return Fail(
        "{}: expected integers, float32 or float64, found '{}'; save "
        "array.astype('float32')",
        path(), fields->descr);
  }
  if (fields->fortran_order) {
    return Fail(
        "{}: expected row-major values, found fortran_order True; save "
        "numpy.ascontiguousarray(array)",
        path());
  }
  type_ = entry->type;
  dims_ = std::move(fields->shape);
  return {};
}

Status NpyFile::CheckSize(uint64_t data_bytes) const {
  const std::string shape = Shape{dims_}.ToString();
  if (std::ranges::contains(dims_, 0)) {
    return Fail("{}: expected at least one value, found the shape {}", path(),
                shape);
  }
  // No product is larger than what the file has, however absurd the sizes.
  uint64_t bytes = EntryOf(type_).bytes;
  bool fits = bytes <= data_bytes;
  for (const int64_t dim : dims_) {
    fits = fits && static_cast<uint64_t>(dim) <= data_bytes / bytes;
    if (fits) bytes *= static_cast<uint64_t>(dim);
  }
  if (fits && bytes == data_bytes) return {};
  return Fail(
      "{}: expected {} values of {} behind the header, found {} bytes; save "
      "the array again",
      path(), shape, type_name(), data_bytes);
}

int64_t NpyFile::ValuesOfRow() const {
  return Shape{{dims_.begin() + 1, dims_.end()}}.elements();
}

// Maps the rows, and looks at their values unless any are right. The pages are
// given back on the way, since there may be more of them than RAM.
template <class Value>
Result<Values<Value>> NpyFile::MapRows(const RowRange& rows) const {
  constexpr auto kValueBytes = static_cast<int64_t>(sizeof(Value));
  const int64_t begin = rows.begin * ValuesOfRow();
  ASSIGN_OR_RETURN(auto file,
                   MappedFile::Map(path_, data_offset_ + begin * kValueBytes,
                                   rows.size() * ValuesOfRow() * kValueBytes));
  Values<Value> values(file);
  if constexpr (std::floating_point<Value>) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!Fits(values[i])) {
        return RefuseValue(values[i], static_cast<size_t>(begin) + i);
      }
      if ((i + 1) % kCheckedValues == 0) RETURN_IF_ERROR(file->DropPages());
    }
    RETURN_IF_ERROR(file->DropPages());
  }
  return values;
}

// Copies the rows, as values of another type or to where these are aligned.
template <class Stored, class Value>
Result<Values<Value>> NpyFile::CopyRows(const RowRange& rows) {
  const int64_t row = ValuesOfRow();
  const int64_t count = rows.size() * row;
  constexpr int64_t kMost = INT64_MAX / int64_t{sizeof(Value)};
  RETURN_IF_ERROR(
      CheckRoom(path(), Shape{dims_},
                count > kMost ? INT64_MAX : count * int64_t{sizeof(Value)}));
  std::vector<Value> values(static_cast<size_t>(count));
  const auto before = static_cast<size_t>(rows.begin * row);
  stream_.seekg(data_offset_ +
                static_cast<int64_t>(before) * int64_t{sizeof(Stored)});
  std::array<Stored, kChunkBytes / sizeof(Stored)> chunk;
  for (size_t begin = 0; begin < values.size(); begin += chunk.size()) {
    const size_t size = std::min(chunk.size(), values.size() - begin);
    stream_.read(reinterpret_cast<char*>(chunk.data()),
                 static_cast<std::streamsize>(size * sizeof(Stored)));
    if (!stream_) return Fail("cannot read {} to its end", path());
    for (size_t i = 0; i < size; ++i) {
      if (!Fits(chunk[i])) return RefuseValue(chunk[i], before + begin + i);
      values[begin + i] = static_cast<Value>(chunk[i]);
    }
  }
  return Values(std::move(values));
}

template <class Stored>
std::unexpected<Error> NpyFile::RefuseValue(Stored value, size_t index) const {
  return Fail("{}: expected {}, found {} at {}; {}", path(),
              is_float() ? "finite values that a float32 holds"
                         : "labels from 0 to 255",
              value, Position(index),
              is_float()
                  ? "look for more with numpy.isfinite"
                  : "number the classes from 0, or save float32 targets");
}

std::string NpyFile::Position(size_t index) const {
  std::string text = "]";
  for (size_t i = dims_.size(); i > 0; --i) {
    const auto dim = static_cast<size_t>(dims_[i - 1]);
    text = (i > 1 ? ", " : "[") + std::to_string(index % dim) + text;
    index /= dim;
  }
  return text;
}

Result<Values<float>> NpyFile::ReadFloats(const RowRange& rows) {
  CHECK(is_float());
  if (rows.size() == 0) return Values<float>();
  if (type_ == Type::kFloat64) return CopyRows<double, float>(rows);
  const bool aligned = data_offset_ % int64_t{alignof(float)} == 0;
  return aligned ? MapRows<float>(rows) : CopyRows<float, float>(rows);
}

Result<Values<uint8_t>> NpyFile::ReadBytes(const RowRange& rows) {
  CHECK(!is_float());
  if (rows.size() == 0) return Values<uint8_t>();
  switch (type_) {
    case Type::kUint8:
      return MapRows<uint8_t>(rows);
    case Type::kUint16:
      return CopyRows<uint16_t, uint8_t>(rows);
    case Type::kUint32:
      return CopyRows<uint32_t, uint8_t>(rows);
    case Type::kUint64:
      return CopyRows<uint64_t, uint8_t>(rows);
    case Type::kInt8:
      return CopyRows<int8_t, uint8_t>(rows);
    case Type::kInt16:
      return CopyRows<int16_t, uint8_t>(rows);
    case Type::kInt32:
      return CopyRows<int32_t, uint8_t>(rows);
    case Type::kInt64:
      return CopyRows<int64_t, uint8_t>(rows);
    case Type::kFloat32:
    case Type::kFloat64:
      break;
  }
  std::unreachable();  // they are read by ReadFloats()
}

}  // namespace batchsweep
