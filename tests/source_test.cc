#include "data/source.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

std::string Message(const std::string& name) {
  const Result<DataSource> source = LoadSource(name, {});
  REQUIRE(!source);
  CHECK(source.error().message.find('\n') == std::string::npos);
  return source.error().message;
}

// What loading a folder with this one file in it complains of.
std::string MessageOfFolderWith(std::string_view name) {
  const TempDir dir;
  dir.Write(name, "x");
  return Message(dir.path().string());
}

TEST_CASE("a folder is told by what is in it", "[source]") {
  CHECK(MessageOfFolderWith("x.npy").contains("expected x_train.npy in it"));
  for (const std::string_view name :
       {"data_batch_2.bin", "data_batch_5.bin.gz", "test_batch.bin"}) {
    CHECK(MessageOfFolderWith(name).contains("expected data_batch_1.bin or"));
  }
  CHECK(MessageOfFolderWith("data_batch_1.bin").contains("records of 3073"));
  CHECK(MessageOfFolderWith("train.bin").contains("records of 3074"));
  CHECK(MessageOfFolderWith("test.bin.gz").contains("expected train.bin or"));
  for (const std::string_view name :
       {"train-images-idx3-ubyte.gz", "t10k-labels.idx1-ubyte"}) {
    CHECK(MessageOfFolderWith(name).contains("expected train-labels-idx1"));
  }
}

TEST_CASE("of several formats NumPy's is read first, then CIFAR", "[source]") {
  const TempDir dir;
  dir.Write("train-images-idx3-ubyte", "x");
  dir.Write("train.bin", "x");
  CHECK(Message(dir.path().string()).contains("CIFAR-100"));
  dir.Write("y_test.npy", "x");
  CHECK(Message(dir.path().string()).contains("expected x_train.npy in it"));
}

TEST_CASE("a folder that loads carries its name", "[source]") {
  const TempDir dir;
  std::string record(3074, '\1');
  dir.Write("train.bin", record + record);
  dir.Write("test.bin", record);
  const Result<DataSource> source = LoadSource(dir.path().string(), {});
  REQUIRE(source);
  CHECK(source->name == dir.path().string());
  CHECK(source->train.size() == 2);
  CHECK(source->test.size() == 1);
}

TEST_CASE("a folder without data names what was looked for", "[source]") {
  const TempDir dir;
  const std::string path = dir.path().string();
  dir.Write("data_batch_1", "CIFAR-10's Python version");
  CHECK(Message(path) ==
        path +
            ": expected x_train.npy (NumPy), data_batch_1.bin (CIFAR-10's "
            "binary version), train.bin (CIFAR-100's) or "
            "train-images-idx3-ubyte (IDX) in it, found none; name the folder "
            "that has them");
}

TEST_CASE("a name that is no folder is refused", "[source]") {
  const TempDir dir;
  const std::string nowhere = (dir.path() / "nowhere").string();
  CHECK(Message(nowhere) ==
        nowhere +
            ": expected a folder of NumPy, CIFAR or IDX files, found nothing; "
            "name one, fashion-mnist or synthetic");
  const std::string file = dir.Write("x_train.npy", "x").string();
  CHECK(Message(file).starts_with(file + ": expected a folder of NumPy"));
  CHECK(Message(file).contains("found a file"));
}

TEST_CASE("synthetic data follows the model's shape", "[source]") {
  const Result<DataSource> source =
      LoadSource("synthetic",
                 {.example_shape = {{7}}, .class_count = 3, .train_size = 13});
  REQUIRE(source);
  CHECK(source->name == "synthetic");
  CHECK(source->train.example_shape == Shape{{7}});
  CHECK(source->train.size() == 13);
  CHECK(source->test.size() == 3);
  CHECK(source->train.class_count == 3);
  CHECK(source->test.labels == std::vector<uint8_t>{0, 1, 2});
}

TEST_CASE("synthetic data has 2 to 256 classes", "[source]") {
  SyntheticShape shape{.example_shape = {{4, 4, 1}}, .train_size = 600};
  for (const auto& [asked, expected] :
       {std::pair{1, 2}, std::pair{256, 256}, std::pair{784, 256}}) {
    shape.class_count = asked;
    const Result<DataSource> source = LoadSource("synthetic", shape);
    REQUIRE(source);
    CHECK(source->train.class_count == expected);
  }
}

TEST_CASE("synthetic data to reconstruct has no labels", "[source]") {
  const Result<DataSource> source = LoadSource(
      "synthetic",
      {.example_shape = {{4, 4, 1}}, .train_size = 60, .reconstruct = true});
  REQUIRE(source);
  CHECK(source->train.size() == 60);
  CHECK(source->train.labels.empty());
  CHECK(source->train.class_count == 0);
}

TEST_CASE("synthetic data beyond this machine's memory is refused",
          "[source]") {
  const Result<DataSource> source = LoadSource(
      "synthetic",
      {.example_shape = {{1 << 20, 1 << 20, 3}}, .train_size = 6'000'000'000});
  REQUIRE(!source);
  CHECK(source.error().message.starts_with(
      "synthetic: 7000000000 examples of 1048576x1048576x3 do not fit"));
}

}  // namespace
}  // namespace batchsweep
