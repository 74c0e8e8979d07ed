#include "data/idx.h"

#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <format>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tests/gzip_bytes.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

std::string Word(uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += static_cast<char>(value >> shift);
  }
  return text;
}

std::string Header(std::initializer_list<uint32_t> dims) {
  std::string text = Word(0x0800 | static_cast<uint32_t>(dims.size()));
  for (const uint32_t dim : dims) text += Word(dim);
  return text;
}

// Bytes that count up from `first`.
std::string Counting(size_t count, uint8_t first) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += static_cast<char>(first + i);
  return text;
}

// Two training images and one test image of 2x3, all well.
class IdxFolder {
 public:
  IdxFolder() {
    Write("train-images-idx3-ubyte", Header({2, 2, 3}) + Counting(12, 250));
    Write("train-labels-idx1-ubyte", Header({2}) + Counting(2, 3));
    Write("t10k-images-idx3-ubyte", Header({1, 2, 3}) + Counting(6, 100));
    Write("t10k-labels-idx1-ubyte", Header({1}) + Counting(1, 7));
  }
  std::filesystem::path path(std::string_view name = "") const {
    return name.empty() ? dir_.path() : dir_.path() / name;
  }
  void Write(std::string_view name, std::string_view bytes) const {
    dir_.Write(name, bytes);
  }
  void Remove(std::string_view name) const {
    std::filesystem::remove(path(name));
  }
  // Loading fails, naming `name` first and then each of `texts`.
  void CheckRefused(std::string_view name,
                    std::initializer_list<std::string_view> texts) const {
    const Result<DataSource> source = LoadIdxFolder(dir_.path());
    REQUIRE(!source);
    const std::string& message = source.error().message;
    INFO(message);
    CHECK(message.starts_with(path(name).string()));
    CHECK(message.find('\n') == std::string::npos);
    for (const std::string_view text : texts) {
      INFO(text);
      CHECK(message.find(text) != std::string::npos);
    }
  }

 private:
  TempDir dir_;
};

TEST_CASE("an IDX folder is read whole", "[idx]") {
  const IdxFolder folder;
  const Result<DataSource> source = LoadIdxFolder(folder.path());
  REQUIRE(source);
  CHECK(source->name == folder.path().string());
  CHECK(source->train.example_shape == Shape{{2, 3, 1}});
  CHECK(source->test.example_shape == Shape{{2, 3, 1}});
  CHECK(source->train.images ==
        std::vector<uint8_t>{250, 251, 252, 253, 254, 255, 0, 1, 2, 3, 4, 5});
  CHECK(source->train.labels == std::vector<uint8_t>{3, 4});
  CHECK(source->test.images ==
        std::vector<uint8_t>{100, 101, 102, 103, 104, 105});
  CHECK(source->test.labels == std::vector<uint8_t>{7});
}

TEST_CASE("the class count covers both sets", "[idx]") {
  const IdxFolder folder;
  const Result<DataSource> source = LoadIdxFolder(folder.path());
  REQUIRE(source);
  CHECK(source->train.class_count == 8);  // the 7 is a test label
  CHECK(source->test.class_count == 8);
  folder.Write("train-labels-idx1-ubyte", Header({2}) + "\xff" + "\x01");
  const Result<DataSource> more = LoadIdxFolder(folder.path());
  REQUIRE(more);
  CHECK(more->test.class_count == 256);
}

TEST_CASE("IDX files may be compressed or have a dot in the name", "[idx]") {
  const IdxFolder folder;
  folder.Remove("train-labels-idx1-ubyte");
  folder.Write("train-labels.idx1-ubyte", Header({2}) + Counting(2, 8));
  folder.Remove("t10k-labels-idx1-ubyte");
  // gzip -n of Header({1}) + "\x05"
  folder.Write(
      "t10k-labels-idx1-ubyte.gz",
      std::string_view("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60"
                       "\xe0\x60\x64\x60\x60\x60\x64\x05\x00\xa2\x4c\xcb"
                       "\x77\x09\x00\x00\x00",
                       29));
  const Result<DataSource> source = LoadIdxFolder(folder.path());
  REQUIRE(source);
  CHECK(source->train.labels == std::vector<uint8_t>{8, 9});
  CHECK(source->test.labels == std::vector<uint8_t>{5});
}

TEST_CASE("a missing folder says how to get Fashion-MNIST", "[idx]") {
  const TempDir dir;
  const auto path = dir.path() / "nowhere";
  const Result<DataSource> source = LoadIdxFolder(path);
  REQUIRE(!source);
  CHECK(source.error().message ==
        path.string() +
            ": expected a folder of IDX files, found nothing; for "
            "Fashion-MNIST, install the Debian package dataset-fashion-mnist "
            "or name a folder with train-images-idx3-ubyte[.gz]");
  const auto file = dir.Write("file", "x");
  const Result<DataSource> not_folder = LoadIdxFolder(file);
  REQUIRE(!not_folder);
  CHECK(not_folder.error().message.starts_with(
      file.string() + ": expected a folder of IDX files, found a file"));
}

TEST_CASE("each of the four IDX files is needed", "[idx]") {
  for (const std::string_view name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    const IdxFolder folder;
    folder.Remove(name);
    folder.CheckRefused("", {"expected " + std::string(name), "found neither",
                             "dataset-fashion-mnist"});
  }
}

TEST_CASE("a truncated IDX header is refused", "[idx]") {
  const IdxFolder folder;
  const std::string header = Header({2, 2, 3});
  for (size_t size = 0; size < header.size(); ++size) {
    folder.Write("train-images-idx3-ubyte", header.substr(0, size));
    folder.CheckRefused(
        "train-images-idx3-ubyte",
        {"expected an IDX header of 16 bytes",
         "found " + std::to_string(size) + " bytes", "fetch the file again"});
  }
}

TEST_CASE("an IDX file with the wrong magic is refused", "[idx]") {
  const IdxFolder folder;
  const std::string body = Word(2) + Word(2) + Word(3) + Counting(12, 0);
  // Floats; the label file's magic; bytes before the type; not IDX at all.
  for (const uint32_t magic : {0x0d03u, 0x0801u, 0x01000803u, 0x3c21444fu}) {
    folder.Write("train-images-idx3-ubyte", Word(magic) + body);
    folder.CheckRefused("train-images-idx3-ubyte",
                        {"expected the magic number 0x00000803 (IDX images)",
                         std::format("found {:#010x}", magic)});
  }
  const IdxFolder other;
  other.Write("t10k-labels-idx1-ubyte", Word(0x0803) + Word(1) + "\x01");
  other.CheckRefused("t10k-labels-idx1-ubyte",
                     {"0x00000801 (IDX labels), found 0x00000803"});
}

TEST_CASE("an IDX file of another length than it says is refused", "[idx]") {
  const IdxFolder folder;
  folder.Write("t10k-images-idx3-ubyte", Header({1, 2, 3}) + Counting(5, 0));
  folder.CheckRefused("t10k-images-idx3-ubyte",
                      {"expected 1x2x3 bytes behind the header, found 5"});
  folder.Write("t10k-images-idx3-ubyte", Header({1, 2, 3}) + Counting(7, 0));
  folder.CheckRefused("t10k-images-idx3-ubyte", {"found 7"});
  folder.Write("t10k-images-idx3-ubyte", Header({1, 2, 3}));
  folder.CheckRefused("t10k-images-idx3-ubyte", {"found 0"});
}

TEST_CASE("absurd IDX sizes neither overflow nor allocate", "[idx]") {
  const IdxFolder folder;
  folder.Write("train-images-idx3-ubyte",
               Header({UINT32_MAX, UINT32_MAX, UINT32_MAX}) + "abcd");
  folder.CheckRefused(
      "train-images-idx3-ubyte",
      {"expected 4294967295x4294967295x4294967295 bytes", "found 4"});
  // 2^32 in all, which is 0 in 32 bits; 2^64 * 4, which is 0 in 64.
  folder.Write("train-images-idx3-ubyte", Header({1u << 16, 1u << 16, 1}));
  folder.CheckRefused("train-images-idx3-ubyte", {"found 0"});
  folder.Write("train-images-idx3-ubyte",
               Header({1u << 31, 1u << 31, 1u << 4}));
  folder.CheckRefused("train-images-idx3-ubyte", {"found 0"});
}

TEST_CASE("IDX files without examples or pixels are refused", "[idx]") {
  const IdxFolder folder;
  folder.Write("train-images-idx3-ubyte", Header({2, 0, 3}));
  folder.CheckRefused("train-images-idx3-ubyte",
                      {"expected at least one example", "2x0x3"});
  folder.Write("train-images-idx3-ubyte", Header({0, 2, 3}));
  folder.CheckRefused("train-images-idx3-ubyte", {"0x2x3"});
  folder.Write("train-labels-idx1-ubyte", Header({0}));
  folder.CheckRefused("train-labels-idx1-ubyte",
                      {"expected at least one example", "found the size 0"});
}

TEST_CASE("image and label counts that differ are refused", "[idx]") {
  const IdxFolder folder;
  folder.Write("train-labels-idx1-ubyte", Header({3}) + Counting(3, 0));
  folder.CheckRefused(
      "train-labels-idx1-ubyte",
      {"expected 2 labels, as many as",
       folder.path("train-images-idx3-ubyte").string(), "found 3"});
}

TEST_CASE("test images of another shape than training's are refused", "[idx]") {
  const IdxFolder folder;
  folder.Write("t10k-images-idx3-ubyte", Header({1, 3, 2}) + Counting(6, 0));
  folder.CheckRefused(
      "t10k-images-idx3-ubyte",
      {"expected images of 2x3x1, as in",
       folder.path("train-images-idx3-ubyte").string(), "found 3x2x1"});
}

TEST_CASE("a damaged compressed IDX file is refused by name", "[idx]") {
  const IdxFolder folder;
  folder.Remove("train-images-idx3-ubyte");
  folder.Write("train-images-idx3-ubyte.gz", "\x1f\x8b\x08");
  folder.CheckRefused("train-images-idx3-ubyte.gz", {"ends early"});
}

// 30 training images, whose first pixel is their number, and 4 test images.
class LargerFolder {
 public:
  // `ending` is ".gz" to compress all files.
  explicit LargerFolder(std::string_view ending) {
    Write("t10k-images-idx3-ubyte", ending, Header({4, 2, 3}) + Pixels(4));
    Write("t10k-labels-idx1-ubyte", ending, Header({4}) + Counting(4, 0));
    Write("train-images-idx3-ubyte", ending, Header({30, 2, 3}) + Pixels(30));
    Write("train-labels-idx1-ubyte", ending, Header({30}) + Counting(30, 0));
  }
  Result<DataSource> Load(const Selection& selection) const {
    return LoadIdxFolder(dir_.path(), selection);
  }
  std::filesystem::path Write(std::string name, std::string_view ending,
                              const std::string& bytes) const {
    name += ending;
    return dir_.Write(name, ending.empty() ? bytes : Gzip(bytes));
  }
  const TempDir& dir() const { return dir_; }

 private:
  static std::string Pixels(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      text += Counting(6, static_cast<uint8_t>(i));
    }
    return text;
  }
  TempDir dir_;
};

int64_t Tenth(int64_t examples) { return examples / 10; }

TEST_CASE("a part of an IDX folder is that part of the whole", "[idx]") {
  for (const char* ending : {"", ".gz"}) {
    const LargerFolder folder(ending);
    const Result<DataSource> whole = folder.Load({});
    REQUIRE(whole);
    CHECK(whole->train.size() == 30);
    CHECK((whole->train.mapped_bytes() > 0) == (ending[0] == '\0'));
    for (const int64_t train_limit : {1, 7, 26, 27, 100}) {
      for (const int64_t held_back_limit : {1, 2, 100}) {
        INFO(ending << " " << train_limit << " " << held_back_limit);
        const Selection selection = {.held_back_of = Tenth,
                                     .train_limit = train_limit,
                                     .held_back_limit = held_back_limit};
        const Result<DataSource> part = folder.Load(selection);
        REQUIRE(part);
        const Dataset train = whole->train.Part(selection.Train(30));
        const Dataset held_back = whole->train.Part(selection.HeldBack(30));
        CHECK(part->train.images == train.images);
        CHECK(part->train.labels == train.labels);
        CHECK(part->held_back.images == held_back.images);
        CHECK(part->held_back.labels == held_back.labels);
        CHECK(part->held_back.labels[0] == 27);
        CHECK(part->test.labels == whole->test.labels);
      }
    }
  }
}

TEST_CASE("a compressed IDX file is inflated as far as it is used", "[idx]") {
  const LargerFolder folder(".gz");
  std::string images = Gzip(Header({30, 2, 3}) + Counting(180, 0));
  images[images.size() - 9] ^= 1;  // its last pixel: the checksum is wrong
  folder.dir().Write("train-images-idx3-ubyte.gz", images);
  CHECK(folder.Load({.train_limit = 29}));
  CHECK(!folder.Load({.train_limit = 30}));
  CHECK(!folder.Load({.held_back_of = Tenth, .train_limit = 1}));
}

TEST_CASE("a compressed IDX file of another size than its header's is refused",
          "[idx]") {
  const LargerFolder folder(".gz");
  const auto message = [&](size_t bytes) {
    folder.Write("train-images-idx3-ubyte", ".gz",
                 Header({30, 2, 3}) + Counting(bytes, 0));
    const Result<DataSource> source = folder.Load({});
    return source ? "" : source.error().message;
  };
  CHECK(message(180).empty());
  CHECK(message(179).contains(
      "train-images-idx3-ubyte.gz: expected 30x2x3 bytes behind the header, "
      "found 179; fetch the file again"));
  CHECK(message(181).contains("behind the header, found more; fetch"));
  // However much more there is, a byte of it is enough.
  CHECK(message(50'000'000).contains("behind the header, found more; fetch"));
}

TEST_CASE("a compressed IDX file that promises what cannot be in it is refused",
          "[idx]") {
  const LargerFolder folder(".gz");
  folder.Write("train-labels-idx1-ubyte", ".gz",
               Header({4'000'000'000}) + Counting(30, 0));
  const Result<DataSource> source = folder.Load({.train_limit = 1});
  REQUIRE(!source);
  CHECK(source.error().message.contains(
      "expected 4000000000 bytes behind the header, found"));
  CHECK(source.error().message.contains(" at most; fetch"));
}

}  // namespace
}  // namespace batchsweep
