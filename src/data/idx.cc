#include "data/idx.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <format>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "data/byte_stream.h"
#include "data/room.h"
#include "platform/mapped_file.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInstallHint =
    "for Fashion-MNIST, install the Debian package dataset-fashion-mnist or "
    "name a folder with train-images-idx3-ubyte[.gz]";

constexpr uint32_t kUnsignedByteMagic = 0x0800;
constexpr size_t kWordBytes = 4;

uint32_t BigEndianWord(std::span<const uint8_t> bytes, size_t word) {
  uint32_t value = 0;
  for (const uint8_t byte : bytes.subspan(word * kWordBytes, kWordBytes)) {
    value = value << 8 | byte;
  }
  return value;
}

// The product of the sizes, or one more than `most` if that is less.
int64_t Product(std::span<const int64_t> dims, int64_t most) {
  int64_t product = 1;
  for (const int64_t dim : dims) {
    if (dim > most / product) return most + 1;
    product *= dim;
  }
  return product;
}

// IdxFile reads parts of one file, in their order. A plain file is mapped; of a
// compressed one no more is inflated than what is asked for and stands before
// it.
class IdxFile {
 public:
  static Result<IdxFile> Open(const fs::path& path, size_t dim_count) {
    ASSIGN_OR_RETURN(ByteStream stream, ByteStream::Open(path));
    IdxFile file(path, std::move(stream));
    RETURN_IF_ERROR(file.ReadHeader(dim_count));
    RETURN_IF_ERROR(file.CheckSizes());
    return file;
  }

  std::string path() const { return path_.string(); }
  int64_t count() const { return dims_[0]; }
  // (H, W, 1) of images.
  Shape ImageShape() const { return {{dims_[1], dims_[2], 1}}; }

  // REQUIRES: the rows are behind those that were read before.
  Result<Values<uint8_t>> Read(const RowRange& rows) {
    if (rows.size() == 0) return Values<uint8_t>();
    if (stream_.inflates()) return Inflate(rows);
    ASSIGN_OR_RETURN(
        auto mapped,
        MappedFile::Map(path_, header_bytes_ + rows.begin * row_bytes_,
                        rows.size() * row_bytes_));
    return Values<uint8_t>(mapped);
  }

 private:
  IdxFile(fs::path path, ByteStream stream)
      : path_(std::move(path)), stream_(std::move(stream)) {}

  Status ReadHeader(size_t dim_count) {
    std::vector<uint8_t> header((1 + dim_count) * kWordBytes);
    header_bytes_ = std::ssize(header);
    ASSIGN_OR_RETURN(const size_t found, stream_.Read(header));
    if (found < header.size()) {
      return Fail(
          "{}: expected an IDX header of {} bytes, found {} bytes; "
          "fetch the file again",
          path(), header.size(), found);
    }
    const auto expected = kUnsignedByteMagic | static_cast<uint32_t>(dim_count);
    const uint32_t magic = BigEndianWord(header, 0);
    if (magic != expected) {
      return Fail(
          "{}: expected the magic number {:#010x} ({}), found {:#010x}; "
          "is it another kind of file?",
          path(), expected, dim_count == 1 ? "IDX labels" : "IDX images",
          magic);
    }
    for (size_t i = 1; i <= dim_count; ++i) {
      dims_.push_back(BigEndianWord(header, i));
    }
    return {};
  }

  // Holds the header against what the file can have, before any element of it
  // is read.
  Status CheckSizes() {
    if (std::ranges::contains(dims_, 0)) {
      return Fail("{}: expected at least one example, found the size {}",
                  path(), Shape{dims_}.ToString());
    }
    const int64_t most = stream_.most_bytes() - header_bytes_;
    bytes_ = Product(dims_, most);
    if (stream_.inflates() && bytes_ > most) {
      return RefuseSize(std::format("{} at most", most));
    }
    if (!stream_.inflates() && bytes_ != most) {
      return RefuseSize(std::to_string(most));
    }
    row_bytes_ = bytes_ / count();
    return {};
  }

  std::unexpected<Error> RefuseSize(const std::string& found) const {
    return Fail(
        "{}: expected {} bytes behind the header, found {}; "
        "fetch the file again",
        path(), Shape{dims_}.ToString(), found);
  }

  Result<Values<uint8_t>> Inflate(const RowRange& rows) {
    ASSIGN_OR_RETURN(const int64_t skipped,
                     stream_.Skip(rows.begin * row_bytes_ - position_));
    position_ += skipped;
    const int64_t wanted = rows.size() * row_bytes_;
    RETURN_IF_ERROR(CheckRoom(path(), Shape{dims_}, wanted));
    std::vector<uint8_t> elements(static_cast<size_t>(wanted));
    ASSIGN_OR_RETURN(const size_t found, stream_.Read(elements));
    position_ += static_cast<int64_t>(found);
    if (static_cast<int64_t>(found) < wanted) {
      return RefuseSize(std::to_string(position_));
    }
    if (rows.end == count()) {
      // The checksum is looked at with the end alone.
      ASSIGN_OR_RETURN(const int64_t more, stream_.Skip(1));
      if (more > 0) return RefuseSize("more");
    }
    return Values(std::move(elements));
  }

  fs::path path_;
  ByteStream stream_;
  int64_t header_bytes_ = 0;
  std::vector<int64_t> dims_;
  int64_t bytes_ = 0;      // of all elements
  int64_t row_bytes_ = 0;  // of those of one example
  int64_t position_ = 0;   // behind the header, of the next byte inflated
};

// One of the two sets, train or test, its elements not yet read.
struct IdxSet {
  IdxFile labels;
  IdxFile images;
};

// The file as it stands in `folder` in one of its four spellings.
Result<fs::path> FindFile(const fs::path& folder, std::string_view what,
                          std::string_view idx) {
  for (const std::string_view compression : {"", ".gz"}) {
    for (const char separator : {'-', '.'}) {
      fs::path path =
          folder / std::format("{}{}{}{}", what, separator, idx, compression);
      std::error_code ignored;
      if (fs::exists(path, ignored)) return path;
    }
  }
  return Fail("{}: expected {}-{} or {}-{}.gz in it, found neither; {}",
              folder.string(), what, idx, what, idx, kInstallHint);
}

Result<IdxFile> OpenFile(const fs::path& folder, std::string_view what,
                         size_t dim_count) {
  const std::string idx = std::format("idx{}-ubyte", dim_count);
  ASSIGN_OR_RETURN(const fs::path path, FindFile(folder, what, idx));
  return IdxFile::Open(path, dim_count);
}

// `prefix` is "train" or "t10k".
Result<IdxSet> OpenSet(const fs::path& folder, std::string_view prefix) {
  ASSIGN_OR_RETURN(IdxFile labels,
                   OpenFile(folder, std::format("{}-labels", prefix), 1));
  ASSIGN_OR_RETURN(IdxFile images,
                   OpenFile(folder, std::format("{}-images", prefix), 3));
  if (labels.count() != images.count()) {
    return Fail("{}: expected {} labels, as many as {} has images, found {}",
                labels.path(), images.count(), images.path(), labels.count());
  }
  return IdxSet{std::move(labels), std::move(images)};
}

Result<Dataset> ReadRows(const RowRange& rows, IdxSet& set) {
  Dataset dataset{.example_shape = set.images.ImageShape()};
  ASSIGN_OR_RETURN(dataset.labels, set.labels.Read(rows));
  ASSIGN_OR_RETURN(dataset.images, set.images.Read(rows));
  return dataset;
}

}  // namespace

bool IsIdxFile(std::string_view name) {
  return name.ends_with("-ubyte") || name.ends_with("-ubyte.gz");
}

Result<DataSource> LoadIdxFolder(const fs::path& folder,
                                 const Selection& selection) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return Fail(
        "{}: expected a folder of IDX files, found {}; {}", folder.string(),
        fs::exists(folder, ignored) ? "a file" : "nothing", kInstallHint);
  }
  ASSIGN_OR_RETURN(IdxSet train, OpenSet(folder, "train"));
  ASSIGN_OR_RETURN(IdxSet test, OpenSet(folder, "t10k"));
  const Shape train_shape = train.images.ImageShape();
  const Shape test_shape = test.images.ImageShape();
  if (test_shape != train_shape) {
    return Fail("{}: expected images of {}, as in {}, found {}",
                test.images.path(), train_shape.ToString(), train.images.path(),
                test_shape.ToString());
  }
  DataSource source{.name = folder.string()};
  const int64_t examples = train.images.count();
  ASSIGN_OR_RETURN(source.train, ReadRows(selection.Train(examples), train));
  ASSIGN_OR_RETURN(source.held_back,
                   ReadRows(selection.HeldBack(examples), train));
  ASSIGN_OR_RETURN(source.test, ReadRows({0, test.images.count()}, test));
  CountClasses(source);
  return source;
}

}  // namespace batchsweep
