#include "data/idx.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "data/gzip.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInstallHint =
    "for Fashion-MNIST, install the Debian package dataset-fashion-mnist or "
    "name a folder with train-images-idx3-ubyte[.gz]";

constexpr uint32_t kUnsignedByteMagic = 0x0800;
constexpr size_t kWordBytes = 4;

// The elements of one file and where they came from.
struct IdxFile {
  fs::path path;
  std::vector<int64_t> dims;
  std::vector<uint8_t> elements;
};

// One of the two sets, train or test, with its paths for error messages.
struct IdxSet {
  fs::path images_path;
  Dataset dataset;
};

uint32_t BigEndianWord(std::string_view bytes, size_t word) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(word * kWordBytes, kWordBytes)) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

// False if the sizes, however absurd, do not multiply to `count`.
bool ElementsAre(const std::vector<int64_t>& dims, int64_t count) {
  int64_t product = 1;
  for (const int64_t dim : dims) {
    if (dim > count / product) return false;
    product *= dim;
  }
  return product == count;
}

Result<std::vector<int64_t>> ParseHeader(const fs::path& path,
                                         std::string_view contents,
                                         size_t dim_count) {
  const size_t header_bytes = (1 + dim_count) * kWordBytes;
  if (contents.size() < header_bytes) {
    return Fail(
        "{}: expected an IDX header of {} bytes, found {} bytes; "
        "fetch the file again",
        path.string(), header_bytes, contents.size());
  }
  const auto expected = kUnsignedByteMagic | static_cast<uint32_t>(dim_count);
  const uint32_t found = BigEndianWord(contents, 0);
  if (found != expected) {
    return Fail(
        "{}: expected the magic number {:#010x} ({}), found {:#010x}; "
        "is it another kind of file?",
        path.string(), expected, dim_count == 1 ? "IDX labels" : "IDX images",
        found);
  }
  std::vector<int64_t> dims;
  for (size_t i = 1; i <= dim_count; ++i) {
    dims.push_back(BigEndianWord(contents, i));
  }
  return dims;
}

Result<IdxFile> ReadIdx(const fs::path& path, size_t dim_count) {
  ASSIGN_OR_RETURN(const std::string contents, ReadMaybeGzip(path));
  ASSIGN_OR_RETURN(std::vector<int64_t> dims,
                   ParseHeader(path, contents, dim_count));
  const std::string shape = Shape{dims}.ToString();
  if (std::ranges::contains(dims, 0)) {
    return Fail("{}: expected at least one example, found the size {}",
                path.string(), shape);
  }
  const std::string_view body =
      std::string_view(contents).substr((1 + dim_count) * kWordBytes);
  if (!ElementsAre(dims, static_cast<int64_t>(body.size()))) {
    return Fail(
        "{}: expected {} bytes behind the header, found {}; "
        "fetch the file again",
        path.string(), shape, body.size());
  }
  const auto* first = reinterpret_cast<const uint8_t*>(body.data());
  return IdxFile{path, std::move(dims), {first, first + body.size()}};
}

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

Result<IdxFile> LoadFile(const fs::path& folder, std::string_view what,
                         size_t dim_count) {
  const std::string idx = std::format("idx{}-ubyte", dim_count);
  ASSIGN_OR_RETURN(const fs::path path, FindFile(folder, what, idx));
  return ReadIdx(path, dim_count);
}

// `prefix` is "train" or "t10k".
Result<IdxSet> LoadSet(const fs::path& folder, std::string_view prefix) {
  ASSIGN_OR_RETURN(IdxFile labels,
                   LoadFile(folder, std::format("{}-labels", prefix), 1));
  ASSIGN_OR_RETURN(IdxFile images,
                   LoadFile(folder, std::format("{}-images", prefix), 3));
  if (labels.dims[0] != images.dims[0]) {
    return Fail("{}: expected {} labels, as many as {} has images, found {}",
                labels.path.string(), images.dims[0], images.path.string(),
                labels.dims[0]);
  }
  return IdxSet{
      .images_path = std::move(images.path),
      .dataset = {.example_shape = {{images.dims[1], images.dims[2], 1}},
                  .images = std::move(images.elements),
                  .labels = std::move(labels.elements)}};
}

}  // namespace

bool IsIdxFile(std::string_view name) {
  return name.ends_with("-ubyte") || name.ends_with("-ubyte.gz");
}

Result<DataSource> LoadIdxFolder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return Fail(
        "{}: expected a folder of IDX files, found {}; {}", folder.string(),
        fs::exists(folder, ignored) ? "a file" : "nothing", kInstallHint);
  }
  ASSIGN_OR_RETURN(IdxSet train, LoadSet(folder, "train"));
  ASSIGN_OR_RETURN(IdxSet test, LoadSet(folder, "t10k"));
  const Shape& train_shape = train.dataset.example_shape;
  const Shape& test_shape = test.dataset.example_shape;
  if (test_shape != train_shape) {
    return Fail("{}: expected images of {}, as in {}, found {}",
                test.images_path.string(), train_shape.ToString(),
                train.images_path.string(), test_shape.ToString());
  }
  const int64_t class_count =
      1 + std::max(std::ranges::max(train.dataset.labels),
                   std::ranges::max(test.dataset.labels));
  train.dataset.class_count = class_count;
  test.dataset.class_count = class_count;
  return DataSource{.name = folder.string(),
                    .train = std::move(train.dataset),
                    .test = std::move(test.dataset)};
}

}  // namespace batchsweep
