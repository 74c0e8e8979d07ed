#include "data/cifar.h"

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

constexpr size_t kPixels = 1024;

// A record whose pixel p is (red + p, 100 + p, 200 + p), modulo 256.
std::string Record(std::string_view labels, size_t red) {
  std::string text(labels);
  for (const size_t first : {red, size_t{100}, size_t{200}}) {
    for (size_t p = 0; p < kPixels; ++p) text += static_cast<char>(first + p);
  }
  return text;
}

std::string Batch(size_t number) {
  return std::format("data_batch_{}.bin", number);
}

std::string Message(const std::filesystem::path& folder) {
  const Result<DataSource> source = LoadCifarFolder(folder);
  REQUIRE(!source);
  CHECK(source.error().message.find('\n') == std::string::npos);
  return source.error().message;
}

// CIFAR-10: one record a file, with the file's number as label and first red,
// but two in the fifth; 9 is the test's.
class Cifar10Folder {
 public:
  Cifar10Folder() {
    for (size_t number = 1; number <= 5; ++number) {
      const std::string label(1, static_cast<char>(number));
      Write(Batch(number), Record(label, number));
    }
    Write(Batch(5), Record("\5", 5) + Record(std::string(1, '\0'), 6));
    Write("test_batch.bin", Record("\x9", 9));
  }
  std::string path(std::string_view name = "") const {
    return (name.empty() ? dir_.path() : dir_.path() / name).string();
  }
  void Write(std::string_view name, std::string_view bytes) const {
    dir_.Write(name, bytes);
  }
  void Remove(std::string_view name) const {
    std::filesystem::remove(path(name));
  }

 private:
  TempDir dir_;
};

TEST_CASE("a CIFAR-10 folder is read whole, in order", "[cifar]") {
  const Cifar10Folder folder;
  const Result<DataSource> source = LoadCifarFolder(folder.path());
  REQUIRE(source);
  CHECK(source->name == folder.path());
  CHECK(source->train.size() == 6);
  CHECK(source->test.size() == 1);
  CHECK(source->train.example_shape == Shape{{32, 32, 3}});
  CHECK(source->test.example_shape == Shape{{32, 32, 3}});
  CHECK(source->train.class_count == 10);
  CHECK(source->test.class_count == 10);
  CHECK(source->train.labels == std::vector<uint8_t>{1, 2, 3, 4, 5, 0});
  CHECK(source->test.labels == std::vector<uint8_t>{9});
  CHECK(source->train.floats.empty());
  CHECK(source->train.targets.empty());
}

TEST_CASE("CIFAR's planes become the channels of each pixel", "[cifar]") {
  const Cifar10Folder folder;
  const Result<DataSource> source = LoadCifarFolder(folder.path());
  REQUIRE(source);
  const Values<uint8_t>& images = source->train.images;
  REQUIRE(images.size() == 6 * 3 * kPixels);
  for (size_t image = 0; image < 6; ++image) {
    for (size_t p = 0; p < kPixels; ++p) {
      const uint8_t* pixel = &images[(image * kPixels + p) * 3];
      REQUIRE(pixel[0] == static_cast<uint8_t>(image + 1 + p));
      REQUIRE(pixel[1] == static_cast<uint8_t>(100 + p));
      REQUIRE(pixel[2] == static_cast<uint8_t>(200 + p));
    }
  }
}

TEST_CASE("a CIFAR-100 folder is read with its fine labels", "[cifar]") {
  const TempDir dir;
  dir.Write("train.bin", Record("\x13\x63", 1) + Record("\x01\x07", 2));
  dir.Write("test.bin", Record(std::string_view("\0\0", 2), 3));
  const Result<DataSource> source = LoadCifarFolder(dir.path());
  REQUIRE(source);
  CHECK(source->train.class_count == 100);
  CHECK(source->test.class_count == 100);
  CHECK(source->train.labels == std::vector<uint8_t>{99, 7});
  CHECK(source->test.labels == std::vector<uint8_t>{0});
  CHECK(source->train.images[0] == 1);
  CHECK(source->train.images[3 * kPixels] == 2);
  CHECK(source->test.images[0] == 3);
  CHECK(source->test.images.back() == static_cast<uint8_t>(200 + kPixels - 1));
}

TEST_CASE("CIFAR files may be compressed", "[cifar]") {
  const Cifar10Folder folder;
  const Result<DataSource> plain = LoadCifarFolder(folder.path());
  for (size_t number = 1; number <= 5; number += 2) {
    const std::string label(1, static_cast<char>(number));
    folder.Remove(Batch(number));
    folder.Write(Batch(number) + ".gz", Gzip(Record(label, number)));
  }
  folder.Remove("test_batch.bin");
  folder.Write("test_batch.bin.gz", Gzip(Record("\x9", 9)));
  const Result<DataSource> source = LoadCifarFolder(folder.path());
  REQUIRE(plain);
  REQUIRE(source);
  CHECK(source->train.labels == std::vector<uint8_t>{1, 2, 3, 4, 5});
  CHECK(source->test.images == plain->test.images);
  folder.Write("test_batch.bin.gz", Gzip(Record("\x9", 9)).substr(0, 50));
  CHECK(Message(folder.path()).contains("ends early"));
}

TEST_CASE("each of CIFAR-10's files is needed", "[cifar]") {
  for (const std::string& name : {Batch(1), Batch(2), Batch(3), Batch(4),
                                  Batch(5), std::string("test_batch.bin")}) {
    const Cifar10Folder folder;
    folder.Remove(name);
    CHECK(Message(folder.path()) ==
          std::format("{}: expected {} or {}.gz in it, found neither; fetch "
                      "CIFAR-10's binary version",
                      folder.path(), name, name));
  }
}

TEST_CASE("each of CIFAR-100's files is needed", "[cifar]") {
  const TempDir dir;
  CHECK(Message(dir.path()).contains("expected train.bin or train.bin.gz"));
  dir.Write("train.bin", Record("\1\1", 0));
  CHECK(Message(dir.path()).contains("expected test.bin or test.bin.gz"));
}

TEST_CASE("a CIFAR file cut off anywhere is refused", "[cifar]") {
  const Cifar10Folder folder;
  const std::string record = Record("\1", 0);
  for (size_t size = 0; size < record.size(); ++size) {
    folder.Write(Batch(2), std::string_view(record).substr(0, size));
    REQUIRE(Message(folder.path()) ==
            std::format("{}: expected records of 3073 bytes, found {} bytes; "
                        "fetch CIFAR-10's binary version again",
                        folder.path(Batch(2)), size));
  }
  folder.Write(Batch(2), record + "x");
  CHECK(Message(folder.path()).contains("found 3074 bytes"));
}

TEST_CASE("a CIFAR label out of range is refused", "[cifar]") {
  const Cifar10Folder folder;
  folder.Write(Batch(4), Record("\x9", 0) + Record("\xa", 0));
  CHECK(Message(folder.path()) ==
        folder.path(Batch(4)) +
            ": expected labels from 0 to 9, found 10 in record 2 of 2; is it "
            "CIFAR-10's binary version?");
  const TempDir dir;
  dir.Write("test.bin", Record("\1\1", 0));
  dir.Write("train.bin", Record("\x14\1", 0));
  CHECK(Message(dir.path()).contains("from 0 to 19, found 20 in record 1"));
  dir.Write("train.bin", Record("\1\x64", 0));
  CHECK(Message(dir.path()).contains("from 0 to 99, found 100 in record 1"));
}

TEST_CASE("a part of a CIFAR folder is that part of the whole", "[cifar]") {
  const Cifar10Folder folder;
  const Result<DataSource> whole = LoadCifarFolder(folder.path());
  REQUIRE(whole);
  folder.Remove(Batch(2));
  folder.Write(Batch(2) + ".gz", Gzip(Record("\2", 2)));
  for (const int64_t train_limit : {1, 2, 3, 100}) {
    for (const int64_t held_back_limit : {1, 2, 100}) {
      INFO(train_limit << " " << held_back_limit);
      const Selection selection = {
          .held_back_of = [](int64_t) { return int64_t{3}; },
          .train_limit = train_limit,
          .held_back_limit = held_back_limit};
      const Result<DataSource> part = LoadCifarFolder(folder.path(), selection);
      REQUIRE(part);
      const Dataset train = whole->train.Part(selection.Train(6));
      const Dataset held_back = whole->train.Part(selection.HeldBack(6));
      CHECK(part->train.images == train.images);
      CHECK(part->train.labels == train.labels);
      CHECK(part->held_back.images == held_back.images);
      CHECK(part->held_back.labels == held_back.labels);
    }
  }
}

TEST_CASE("CIFAR records that are not used are not looked at", "[cifar]") {
  const Cifar10Folder folder;
  folder.Write(Batch(5), Record("\x0a", 5));
  CHECK(Message(folder.path()).contains("found 10 in record 1 of 1"));
  CHECK(LoadCifarFolder(folder.path(), {.train_limit = 4}));
}

}  // namespace
}  // namespace batchsweep
