#include "model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <format>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "platform/file.h"
#include "util/check.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;

// The format is little-endian, and values are copied without a look at their
// bytes.
static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kPrefixBytes = 8;
// A header names some thousands of tensors at most.
constexpr uint64_t kMaxHeaderBytes = 100 * 1024 * 1024;
constexpr uint64_t kMaxElements = INT64_MAX / sizeof(float);

// A tensor as the header describes it, not yet held against the data.
struct Entry {
  std::string name;
  Shape shape = {};
  uint64_t begin = 0;
  uint64_t end = 0;
};

std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> ParseHeader(std::string_view text, const std::string& file) {
  Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (header.is_object()) return header;
  return Fail(
      "{}: the header of {} bytes is not a JSON object; expected a "
      "safetensors file",
      file, text.size());
}

// Reads into `shape`, which stays within kMaxElements at every step of its
// product.
bool ReadShape(const Json& dims, Shape& shape) {
  if (!dims.is_array()) return false;
  uint64_t elements = 1;
  for (const Json& dim : dims) {
    if (!dim.is_number_unsigned()) return false;
    const auto size = dim.get<uint64_t>();
    if (size > kMaxElements || (size > 0 && elements > kMaxElements / size)) {
      return false;
    }
    elements *= size;
    shape.dims.push_back(static_cast<int64_t>(size));
  }
  return true;
}

Result<Entry> ReadEntry(const std::string& name, const Json& json,
                        const std::string& file) {
  const std::string where = std::format("{}: tensor {}", file, Quoted(name));
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    return Fail("{}: expected an object of dtype, shape and data_offsets",
                where);
  }
  if (json["dtype"] != "F32") {
    return Fail(
        "{}: dtype is {}, expected \"F32\"; convert it to float32", where,
        json["dtype"].is_string() ? json["dtype"].dump() : "not a string");
  }
  Entry entry{.name = name};
  if (!ReadShape(json["shape"], entry.shape)) {
    return Fail("{}: shape is not a list of sizes that can be in a file",
                where);
  }
  const Json& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 ||
      !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    return Fail("{}: data_offsets are not [begin, end]", where);
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  const uint64_t bytes =
      static_cast<uint64_t>(entry.shape.elements()) * sizeof(float);
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    return Fail("{}: data_offsets [{}, {}] do not match shape {}, {} bytes",
                where, entry.begin, entry.end, entry.shape.ToString(), bytes);
  }
  return entry;
}

// `entries` in the order of their data must fill it without hole or overlap.
Status CheckLayout(const std::vector<Entry>& entries, uint64_t data_bytes,
                   const std::string& file) {
  uint64_t filled = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != filled) {
      return Fail(
          "{}: tensor {} begins at data byte {}, expected {}, where the one "
          "before it ends",
          file, Quoted(entry.name), entry.begin, filled);
    }
    filled = entry.end;
  }
  if (filled != data_bytes) {
    return Fail(
        "{}: the header describes {} bytes of data, the file has {}; was it "
        "cut off or added to",
        file, filled, data_bytes);
  }
  return {};
}

Result<std::vector<Entry>> ReadEntries(std::string_view header,
                                       const std::string& file) {
  ASSIGN_OR_RETURN(const Json json, ParseHeader(header, file));
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") continue;
    ASSIGN_OR_RETURN(Entry entry, ReadEntry(name, value, file));
    entries.push_back(std::move(entry));
  }
  std::ranges::stable_sort(entries, {}, [](const Entry& entry) {
    return std::pair(entry.begin, entry.end);
  });
  return entries;
}

// A file whose header was read and held against its size.
struct OpenedFile {
  std::ifstream stream;
  std::vector<Entry> entries;
};

Result<OpenedFile> OpenSafetensors(const std::filesystem::path& path) {
  const std::string file = path.string();
  ASSIGN_OR_RETURN(const int64_t size_bytes, FileBytes(path));
  OpenedFile opened{.stream = std::ifstream(path, std::ios::binary)};
  const auto all = static_cast<uint64_t>(size_bytes);
  if (all < kPrefixBytes) {
    return Fail("{}: is {} bytes, too short for a safetensors file", file, all);
  }
  uint64_t header_bytes = 0;
  opened.stream.read(reinterpret_cast<char*>(&header_bytes), kPrefixBytes);
  if (header_bytes > all - kPrefixBytes) {
    return Fail(
        "{}: announces a header of {} bytes but is {} bytes long; it is cut "
        "off or no safetensors file",
        file, header_bytes, all);
  }
  if (header_bytes > kMaxHeaderBytes) {
    return Fail("{}: announces a header of {} bytes, expected at most {}", file,
                header_bytes, kMaxHeaderBytes);
  }
  std::string header(static_cast<size_t>(header_bytes), '\0');
  opened.stream.read(header.data(), std::ssize(header));
  if (!opened.stream) return Fail("cannot read {}", file);
  ASSIGN_OR_RETURN(opened.entries, ReadEntries(header, file));
  RETURN_IF_ERROR(
      CheckLayout(opened.entries, all - kPrefixBytes - header_bytes, file));
  return opened;
}

// Entries are read in the order of their data, so the stream stands where the
// next one begins.
Status ReadValues(std::ifstream& stream, const Entry& entry,
                  std::span<float> values, const std::string& file) {
  stream.read(reinterpret_cast<char*>(values.data()),
              static_cast<std::streamsize>(values.size_bytes()));
  if (stream) return {};
  return Fail("{}: cannot read tensor {} to its end", file, Quoted(entry.name));
}

Json HeaderOf(std::span<const TensorView> tensors) {
  Json header = Json::object();
  uint64_t begin = 0;
  for (const TensorView& tensor : tensors) {
    CHECK(std::ssize(tensor.values) == tensor.shape.elements());
    CHECK(!header.contains(tensor.name));
    const uint64_t end = begin + tensor.values.size_bytes();
    header[tensor.name] = {{"dtype", "F32"},
                           {"shape", tensor.shape.dims},
                           {"data_offsets", {begin, end}}};
    begin = end;
  }
  return header;
}

}  // namespace

Result<std::vector<NamedTensor>> ReadSafetensors(
    const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(OpenedFile file, OpenSafetensors(path));
  std::vector<NamedTensor> tensors;
  for (const Entry& entry : file.entries) {
    NamedTensor& tensor = tensors.emplace_back(entry.name, entry.shape);
    tensor.values.resize(
        static_cast<size_t>((entry.end - entry.begin) / sizeof(float)));
    RETURN_IF_ERROR(
        ReadValues(file.stream, entry, tensor.values, path.string()));
  }
  return tensors;
}

Status ReadSafetensorsInto(const std::filesystem::path& path,
                           std::span<const TensorView> tensors) {
  ASSIGN_OR_RETURN(OpenedFile file, OpenSafetensors(path));
  for (const TensorView& tensor : tensors) {
    const auto entry =
        std::ranges::find(file.entries, tensor.name, &Entry::name);
    if (entry == file.entries.end() || entry->shape != tensor.shape) {
      return Fail("{}: no tensor {} of shape {}", path.string(),
                  Quoted(tensor.name), tensor.shape.ToString());
    }
  }
  for (const Entry& entry : file.entries) {
    const auto tensor =
        std::ranges::find(tensors, entry.name, &TensorView::name);
    if (tensor == tensors.end()) {
      file.stream.seekg(static_cast<std::streamoff>(entry.end - entry.begin),
                        std::ios::cur);
    } else {
      RETURN_IF_ERROR(
          ReadValues(file.stream, entry, tensor->values, path.string()));
    }
  }
  return {};
}

Result<Checksum> WriteSafetensors(const std::filesystem::path& path,
                                  std::span<const TensorView> tensors) {
  std::string header;
  try {
    header = HeaderOf(tensors).dump();
  } catch (const Json::exception&) {
    return Fail("{}: not written, a tensor's name is not UTF-8", path.string());
  }
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t header_bytes = header.size();
  ASSIGN_OR_RETURN(FileWriter file, FileWriter::Create(path));
  Checksum checksum;
  const auto write = [&](std::string_view bytes) {
    checksum.Add(bytes);
    return file.Write(bytes);
  };
  RETURN_IF_ERROR(write(
      {reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes}));
  RETURN_IF_ERROR(write(header));
  for (const TensorView& tensor : tensors) {
    RETURN_IF_ERROR(write({reinterpret_cast<const char*>(tensor.values.data()),
                           tensor.values.size_bytes()}));
  }
  RETURN_IF_ERROR(file.Commit());
  return checksum;
}

}  // namespace batchsweep
