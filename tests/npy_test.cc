#include "data/npy.h"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <format>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "tests/gzip_bytes.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

// An .npy file of version 1.0, as numpy.save writes it.
std::string NpyOfHeader(std::string header, std::string_view values) {
  header.resize((10 + header.size() + 64) / 64 * 64 - 11, ' ');
  header += '\n';
  return "\x93NUMPY\x01" + std::string(1, '\0') +
         LittleEndian(header.size(), 2) + header + std::string(values);
}

// `shape` as Python writes it: "(2, 3)".
std::string NpyOfBytes(std::string_view descr, std::string_view shape,
                       std::string_view values) {
  return NpyOfHeader(
      std::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                  descr, shape),
      values);
}

template <class Value>
std::string Npy(std::string_view shape, std::initializer_list<Value> values) {
  char kind = std::is_signed_v<Value> ? 'i' : 'u';
  if (std::floating_point<Value>) kind = 'f';
  std::string bytes;
  for (const Value value : values) {
    if constexpr (std::same_as<Value, float>) {
      bytes += LittleEndian(std::bit_cast<uint32_t>(value), 4);
    } else if constexpr (std::same_as<Value, double>) {
      bytes += LittleEndian(std::bit_cast<uint64_t>(value), 8);
    } else {
      bytes += LittleEndian(static_cast<uint64_t>(value), sizeof(Value));
    }
  }
  return NpyOfBytes(std::format("{}{}{}", sizeof(Value) == 1 ? '|' : '<', kind,
                                sizeof(Value)),
                    shape, bytes);
}

// Two training images and one test image of 2x3, labelled, all well.
class NpyFolder {
 public:
  NpyFolder() {
    Write("x_train.npy", Npy<uint8_t>("(2, 2, 3)", {250, 251, 252, 253, 254,
                                                    255, 0, 1, 2, 3, 4, 5}));
    Write("y_train.npy", Npy<uint8_t>("(2,)", {3, 4}));
    Write("x_test.npy", Npy<uint8_t>("(1, 2, 3)", {9, 8, 7, 6, 5, 4}));
    Write("y_test.npy", Npy<uint8_t>("(1,)", {7}));
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
  void RemoveLearnt() const {
    Remove("y_train.npy");
    Remove("y_test.npy");
  }
  DataSource Load() const {
    Result<DataSource> source = LoadNpyFolder(dir_.path());
    INFO((source ? "" : source.error().message));
    REQUIRE(source);
    return *std::move(source);
  }
  // Loading fails; the message names `name` first and then has `text`.
  void CheckRefused(std::string_view name, std::string_view text) const {
    const Result<DataSource> source = LoadNpyFolder(dir_.path());
    REQUIRE(!source);
    const std::string& message = source.error().message;
    INFO(message);
    INFO(text);
    CHECK(message.starts_with(path(name)));
    CHECK(message.contains(text));
    CHECK(!message.contains('\n'));
  }

 private:
  TempDir dir_;
};

TEST_CASE("a folder of uint8 arrays gives images and labels", "[npy]") {
  const NpyFolder folder;
  const DataSource source = folder.Load();
  CHECK(source.name == folder.path());
  CHECK(source.train.example_shape == Shape{{2, 3, 1}});
  CHECK(source.test.example_shape == Shape{{2, 3, 1}});
  CHECK(source.train.images ==
        std::vector<uint8_t>{250, 251, 252, 253, 254, 255, 0, 1, 2, 3, 4, 5});
  CHECK(source.test.images == std::vector<uint8_t>{9, 8, 7, 6, 5, 4});
  CHECK(source.train.labels == std::vector<uint8_t>{3, 4});
  CHECK(source.test.labels == std::vector<uint8_t>{7});
  CHECK(source.train.class_count == 8);
  CHECK(source.test.class_count == 8);
  CHECK(source.train.floats.empty());
  CHECK(source.train.targets.empty());
}

TEST_CASE("NumPy inputs may have one to three dimensions", "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  folder.Write("x_train.npy", Npy<uint8_t>("(2, 3)", {1, 2, 3, 4, 5, 6}));
  folder.Write("x_test.npy", Npy<uint8_t>("(1, 3)", {1, 2, 3}));
  CHECK(folder.Load().train.example_shape == Shape{{3}});
  folder.Write("x_train.npy", Npy<uint8_t>("(1, 1, 2, 3)", {1, 2, 3, 4, 5, 6}));
  folder.Write("x_test.npy", Npy<uint8_t>("(1, 1, 2, 3)", {1, 2, 3, 4, 5, 6}));
  CHECK(folder.Load().train.example_shape == Shape{{1, 2, 3}});
  folder.Write("x_train.npy", Npy<uint8_t>("(2,)", {1, 2}));
  folder.CheckRefused("x_train.npy",
                      "expected the shape (N, C), (N, H, W) or (N, H, W, C), "
                      "found 2; use numpy.reshape");
  folder.Write("x_train.npy", Npy<uint8_t>("()", {1}));
  folder.CheckRefused("x_train.npy", "found scalar");
  folder.Write("x_train.npy", Npy<uint8_t>("(1, 1, 1, 1, 1)", {1}));
  folder.CheckRefused("x_train.npy", "found 1x1x1x1x1");
}

TEST_CASE("floats of either width are taken as they are", "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  folder.Write("x_train.npy",
               Npy<float>("(2, 2)", {-1.5f, 0.0f, 1e-45f, 3e38f}));
  folder.Write("x_test.npy", Npy<double>("(1, 2)", {0.1, -3.4e38}));
  const DataSource source = folder.Load();
  CHECK(source.train.example_shape == Shape{{2}});
  CHECK(source.train.floats == std::vector<float>{-1.5f, 0.0f, 1e-45f, 3e38f});
  CHECK(source.test.floats == std::vector<float>{0.1f, -3.4e38f});
  CHECK(source.train.images.empty());
  CHECK(source.train.size() == 2);
  CHECK(source.test.size() == 1);
}

TEST_CASE("without y files the inputs are what is learnt", "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  const DataSource source = folder.Load();
  CHECK(source.train.size() == 2);
  CHECK(source.train.labels.empty());
  CHECK(source.train.targets.empty());
  CHECK(source.train.class_count == 0);
  CHECK(source.train.target_shape.dims.empty());
}

template <class Value>
void CheckLabels() {
  const NpyFolder folder;
  folder.Write("y_train.npy", Npy<Value>("(2, 1)", {Value{0}, Value{127}}));
  const DataSource source = folder.Load();
  CHECK(source.train.labels == std::vector<uint8_t>{0, 127});
  CHECK(source.train.class_count == 128);
  CHECK(source.test.class_count == 128);
}

TEST_CASE("labels may be integers of any width", "[npy]") {
  CheckLabels<uint8_t>();
  CheckLabels<uint16_t>();
  CheckLabels<uint32_t>();
  CheckLabels<uint64_t>();
  CheckLabels<int8_t>();
  CheckLabels<int16_t>();
  CheckLabels<int32_t>();
  CheckLabels<int64_t>();
}

TEST_CASE("labels outside of 0 to 255 are refused", "[npy]") {
  const NpyFolder folder;
  folder.Write("y_train.npy", Npy<int64_t>("(2,)", {3, -1}));
  folder.CheckRefused("y_train.npy",
                      "expected labels from 0 to 255, found -1 at [1]; number "
                      "the classes from 0, or save float32 targets");
  folder.Write("y_train.npy", Npy<int8_t>("(2,)", {-128, 0}));
  folder.CheckRefused("y_train.npy", "found -128 at [0]");
  folder.Write("y_train.npy", Npy<uint16_t>("(2, 1)", {255, 256}));
  folder.CheckRefused("y_train.npy", "found 256 at [1, 0]");
  folder.Write("y_train.npy", Npy<uint64_t>("(2,)", {UINT64_MAX, 0}));
  folder.CheckRefused("y_train.npy", "found 18446744073709551615 at [0]");
}

TEST_CASE("integers of several dimensions are no labels", "[npy]") {
  const NpyFolder folder;
  folder.Write("y_train.npy", Npy<int32_t>("(2, 2)", {0, 1, 1, 0}));
  folder.CheckRefused("y_train.npy",
                      "expected integer labels of the shape (N) or (N, 1), "
                      "found 2x2; save array.argmax(axis=1)");
}

TEST_CASE("floats to learn become targets", "[npy]") {
  const NpyFolder folder;
  folder.Write("y_train.npy", Npy<float>("(2,)", {0.5f, -2.0f}));
  folder.Write("y_test.npy", Npy<double>("(1, 1)", {4.25}));
  const DataSource source = folder.Load();
  CHECK(source.train.targets == std::vector<float>{0.5f, -2.0f});
  CHECK(source.test.targets == std::vector<float>{4.25f});
  CHECK(source.train.target_shape == Shape{{1}});
  CHECK(source.test.target_shape == Shape{{1}});
  CHECK(source.train.labels.empty());
  CHECK(source.train.class_count == 0);

  folder.Write("y_train.npy", Npy<float>("(2, 1, 2)", {1, 2, 3, 4}));
  folder.Write("y_test.npy", Npy<float>("(1, 1, 2)", {5, 6}));
  CHECK(folder.Load().train.target_shape == Shape{{1, 2}});
  folder.Write("y_train.npy", Npy<float>("()", {1}));
  folder.CheckRefused("y_train.npy", "expected N values or rows of 1 to 3");
  folder.Write("y_train.npy", Npy<float>("(2, 1, 1, 1, 1)", {1, 2}));
  folder.CheckRefused("y_train.npy", "found the shape 2x1x1x1x1");
}

TEST_CASE("values that are not finite are refused by position", "[npy]") {
  const NpyFolder folder;
  const float nan = std::nanf("");
  folder.Write("x_train.npy", Npy<float>("(2, 2, 1)", {1.0f, 2.0f, nan, 4.0f}));
  folder.Write("x_test.npy", Npy<float>("(1, 2, 1)", {1.0f, 2.0f}));
  folder.CheckRefused("x_train.npy",
                      "expected finite values that a float32 holds, found nan "
                      "at [1, 0, 0]; look for more with numpy.isfinite");
  const float infinity = std::numeric_limits<float>::infinity();
  folder.Write("x_train.npy",
               Npy<float>("(2, 2, 1)", {1.0f, -infinity, 3.0f, 4.0f}));
  folder.CheckRefused("x_train.npy", "found -inf at [0, 1, 0]");
  folder.Write("x_train.npy", Npy<double>("(2, 2, 1)", {1.0, 2.0, 3.0, 1e39}));
  folder.CheckRefused("x_train.npy", "found 1e+39 at [1, 1, 0]");
}

TEST_CASE("arrays larger than a piece are read whole", "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  std::string bytes;
  for (uint32_t i = 0; i < 3 * 20'001; ++i) {
    bytes += LittleEndian(std::bit_cast<uint32_t>(static_cast<float>(i)), 4);
  }
  folder.Write("x_train.npy", NpyOfBytes("<f4", "(20001, 3)", bytes));
  folder.Write("x_test.npy", Npy<float>("(1, 3)", {1, 2, 3}));
  const DataSource source = folder.Load();
  REQUIRE(source.train.floats.size() == 60'003);
  for (size_t i = 0; i < 60'003; ++i) {
    REQUIRE(source.train.floats[i] == static_cast<float>(i));
  }
  bytes.replace(4 * 50'000, 4, "\xff\xff\xff\xff");
  folder.Write("x_train.npy", NpyOfBytes("<f4", "(20001, 3)", bytes));
  folder.CheckRefused("x_train.npy", "at [16666, 2]");
}

TEST_CASE(".npy headers of versions 2.0 and 3.0 are read", "[npy]") {
  const NpyFolder folder;
  const std::string header =
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
  for (const char version : {'\2', '\3'}) {
    folder.Write("y_train.npy", "\x93NUMPY" + std::string{version, '\0'} +
                                    LittleEndian(header.size(), 4) + header +
                                    "\x05\x06");
    CHECK(folder.Load().train.labels == std::vector<uint8_t>{5, 6});
  }
  for (const std::string& version :
       {std::string{'\4', '\0'}, std::string{'\0', '\0'},
        std::string{'\1', '\2'}}) {
    folder.Write("y_train.npy", "\x93NUMPY" + version +
                                    LittleEndian(header.size(), 4) + header);
    folder.CheckRefused("y_train.npy",
                        std::format("expected .npy version 1.0, 2.0 or 3.0, "
                                    "found {}.{}",
                                    int{version[0]}, int{version[1]}));
  }
  folder.Write("y_train.npy", "\x93NUMPY\2" + std::string(1, '\0') +
                                  "\xff\xff\xff\xff" + header);
  folder.CheckRefused("y_train.npy",
                      "a header of at most 10000 bytes, found 4294967295");
}

TEST_CASE("an .npy header may be in any order and spacing", "[npy]") {
  const NpyFolder folder;
  for (const std::string_view header :
       {"{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"|u1\"}",
        "  { 'shape' : ( 2 , 1 , ) , 'descr' : '|u1',\n'fortran_order' : False "
        ", }  "}) {
    folder.Write("y_train.npy", NpyOfHeader(std::string(header), "\x05\x06"));
    CHECK(folder.Load().train.labels == std::vector<uint8_t>{5, 6});
  }
}

TEST_CASE("an .npy header that NumPy would not write is refused", "[npy]") {
  const NpyFolder folder;
  for (const std::string_view header :
       {"",
        "{",
        "{}",
        "[]",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'shape': (2,)}",
        "{'fortran_order': False, 'shape': (2,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2,,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2.0,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 2}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2,",
        "{'descr': '|u1', 'fortran_order': False, 'shape': "
        "(9223372036854775808,)}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '|u1', 'fortran_order': Falsely, 'shape': (2,)}",
        "{'descr': |u1, 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '|u1, 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '|\x01', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, "
        "'shape': (2,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'x': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2,)} x"}) {
    INFO(header);
    folder.Write("y_train.npy", NpyOfHeader(std::string(header), "\x05\x06"));
    folder.CheckRefused("y_train.npy",
                        "expected a header like {'descr': '<f4', "
                        "'fortran_order': False, 'shape': (60000, 784), }, "
                        "found another; save a plain array with numpy.save");
  }
}

TEST_CASE("other types of NumPy values are refused with a way out", "[npy]") {
  const NpyFolder folder;
  folder.Write("x_train.npy", NpyOfBytes(">f4", "(1, 1)", "abcd"));
  folder.CheckRefused("x_train.npy",
                      "expected little-endian values, found '>f4'; save "
                      "array.astype(array.dtype.newbyteorder('<'))");
  for (const std::string_view descr :
       {"<f2", "<f16", "<c8", "|b1", "|O", "<U3", "<M8[ns]", "u1", ""}) {
    folder.Write("x_train.npy", NpyOfBytes(descr, "(1, 1)", "ab"));
    folder.CheckRefused("x_train.npy",
                        std::format("expected integers, float32 or float64, "
                                    "found '{}'; save array.astype('float32')",
                                    descr));
  }
  folder.Write("x_train.npy", Npy<int64_t>("(1, 1)", {1}));
  folder.CheckRefused("x_train.npy",
                      "expected uint8, float32 or float64, found int64; save "
                      "array.astype('uint8') for pixels");
}

TEST_CASE("a NumPy array in Fortran's order is refused", "[npy]") {
  const NpyFolder folder;
  folder.Write(
      "x_train.npy",
      NpyOfHeader("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2), }",
                  "ab"));
  folder.CheckRefused("x_train.npy",
                      "expected row-major values, found fortran_order True; "
                      "save numpy.ascontiguousarray(array)");
}

TEST_CASE("an .npy file of another length than it says is refused", "[npy]") {
  const NpyFolder folder;
  folder.Write("x_test.npy", NpyOfBytes("<f4", "(1, 2)", "1234567"));
  folder.CheckRefused("x_test.npy",
                      "expected 1x2 values of float32 behind the header, found "
                      "7 bytes; save the array again");
  folder.Write("x_test.npy", NpyOfBytes("<f4", "(1, 2)", "123456789"));
  folder.CheckRefused("x_test.npy", "found 9 bytes");
  folder.Write("x_test.npy", NpyOfBytes("|u1", "(2, 2, 3)", "123456"));
  folder.CheckRefused("x_test.npy", "expected 2x2x3 values of uint8");
}

TEST_CASE("absurd NumPy shapes neither overflow nor allocate", "[npy]") {
  const NpyFolder folder;
  for (const std::string_view shape :
       {"(9223372036854775807, 9223372036854775807)",
        "(4294967296, 4294967296)", "(2305843009213693952, 8)",
        "(4611686018427387904, 4)"}) {
    folder.Write("x_test.npy", NpyOfBytes("<f4", shape, ""));
    folder.CheckRefused("x_test.npy", "behind the header, found 0 bytes");
    folder.Write("x_test.npy", NpyOfBytes("<f4", shape, "12345678"));
    folder.CheckRefused("x_test.npy", "behind the header, found 8 bytes");
  }
}

int64_t Half(int64_t examples) { return examples / 2; }

// Writes an array of 1 TiB that takes no disk. False where none can be made.
bool WriteHuge(const NpyFolder& folder, const std::string& header) {
  folder.Write("x_train.npy", header);
  std::error_code error;
  std::filesystem::resize_file(folder.path("x_train.npy"),
                               header.size() + (uintmax_t{1} << 40), error);
  return !error;
}

TEST_CASE("a NumPy array to copy beyond this machine's memory is refused",
          "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  folder.Write("x_test.npy", NpyOfBytes("<f8", "(1, 1024, 1024)",
                                        std::string(8 << 20, '\0')));
  if (!WriteHuge(folder, NpyOfBytes("<f8", "(131072, 1024, 1024)", ""))) {
    SKIP("no such file can be made here");
  }
  folder.CheckRefused("x_train.npy",
                      "those used of its 131072x1024x1024 values take "
                      "549755813888 bytes, which do not fit into the");
}

TEST_CASE("of a NumPy array beyond this machine's memory a part is used",
          "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  folder.Write("x_test.npy", NpyOfBytes("<f4", "(1, 1024, 1024)",
                                        std::string(4 << 20, '\0')));
  if (!WriteHuge(folder, NpyOfBytes("<f4", "(262144, 1024, 1024)", ""))) {
    SKIP("no such file can be made here");
  }
  const Result<DataSource> source = LoadNpyFolder(
      folder.path(),
      {.held_back_of = Half, .train_limit = 2, .held_back_limit = 1});
  REQUIRE(source);
  CHECK(source->train.size() == 2);
  CHECK(source->held_back.size() == 1);
  CHECK(source->train.mapped_bytes() == 8 << 20);
  CHECK(source->held_back.floats.back() == 0.0f);
}

TEST_CASE("NumPy arrays without values are refused", "[npy]") {
  const NpyFolder folder;
  folder.Write("x_train.npy", NpyOfBytes("|u1", "(0, 2, 3)", ""));
  folder.CheckRefused("x_train.npy",
                      "expected at least one value, found the shape 0x2x3");
  folder.Write("x_train.npy", NpyOfBytes("|u1", "(2, 0)", ""));
  folder.CheckRefused("x_train.npy", "found the shape 2x0");
}

TEST_CASE("a file that is no .npy is refused", "[npy]") {
  const NpyFolder folder;
  folder.Write("x_train.npy", "PK\3\4 a zip of arrays");
  folder.CheckRefused("x_train.npy",
                      "expected the magic bytes 93 NUMPY, found others; write "
                      "the file with numpy.save");
  folder.Remove("x_train.npy");
  std::filesystem::create_directory(folder.path("x_train.npy"));
  const auto source = LoadNpyFolder(folder.path());
  REQUIRE(!source);
  CHECK(source.error().message.starts_with("cannot read " +
                                           folder.path("x_train.npy") + ": "));
}

TEST_CASE("an .npy file cut off anywhere is refused", "[npy]") {
  const NpyFolder folder;
  const std::string whole = Npy<double>("(2,)", {1.0, 2.0});
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    folder.Write("y_train.npy", std::string_view(whole).substr(0, size));
    folder.CheckRefused(
        "y_train.npy",
        size < 128
            ? std::format("found {} bytes, too few for its header; save "
                          "the array again",
                          size)
            : std::format("behind the header, found {} bytes", size - 128));
  }
}

TEST_CASE("a damaged .npy file is refused or read, but never crashes",
          "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  const std::string whole = Npy<uint8_t>("(1, 2, 3)", {1, 2, 3, 4, 5, 6});
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char flipped : {'\1', '\x10', '\x80', '\xff'}) {
      std::string bytes = whole;
      bytes[at] ^= flipped;
      folder.Write("x_test.npy", bytes);
      const Result<DataSource> source = LoadNpyFolder(folder.path());
      if (source) {
        CHECK(source->test.images.size() == 6);
      } else {
        CHECK(source.error().message.contains("x_test.npy"));
        CHECK(!source.error().message.contains('\n'));
      }
    }
  }
}

TEST_CASE("the NumPy arrays of inputs are needed, those of y together",
          "[npy]") {
  for (const std::string_view name : {"x_train.npy", "x_test.npy"}) {
    const NpyFolder folder;
    folder.Remove(name);
    folder.CheckRefused("", std::format(": expected {} in it, found none; the "
                                        "arrays are x_train.npy, y_train.npy, "
                                        "x_test.npy and y_test.npy",
                                        name));
  }
  const NpyFolder folder;
  folder.Remove("y_train.npy");
  folder.CheckRefused("",
                      ": expected y_train.npy in it beside y_test.npy, found "
                      "none; without either the inputs themselves are learnt");
  const NpyFolder other;
  other.Remove("y_test.npy");
  other.CheckRefused("", "expected y_test.npy in it beside y_train.npy");
}

TEST_CASE("NumPy arrays that do not go together are refused", "[npy]") {
  const NpyFolder folder;
  folder.Write("y_train.npy", Npy<uint8_t>("(3,)", {1, 2, 3}));
  folder.CheckRefused("y_train.npy",
                      std::format("expected 2 rows, as many as {} has, found 3",
                                  folder.path("x_train.npy")));
  folder.Write("y_train.npy", Npy<float>("(2,)", {1, 2}));
  folder.CheckRefused("y_test.npy",
                      std::format("expected rows of 1 floats, as in {}, found "
                                  "1 integers",
                                  folder.path("y_train.npy")));
  folder.Write("y_test.npy", Npy<float>("(1, 2)", {1, 2}));
  folder.CheckRefused("y_test.npy", "found 2 floats");
  folder.Write("x_test.npy", Npy<uint8_t>("(1, 3, 2)", {1, 2, 3, 4, 5, 6}));
  folder.CheckRefused("x_test.npy",
                      std::format("expected rows of 2x3 integers, as in {}, "
                                  "found 3x2 integers",
                                  folder.path("x_train.npy")));
  folder.Write("x_test.npy", Npy<float>("(1, 2, 3)", {1, 2, 3, 4, 5, 6}));
  folder.CheckRefused("x_test.npy", "found 2x3 floats");
}

TEST_CASE("values that can be used as they lie are mapped, others copied",
          "[npy]") {
  const NpyFolder folder;
  CHECK(folder.Load().train.mapped_bytes() == 14);
  CHECK(folder.Load().train.resident_bytes() == 0);
  folder.Write("y_train.npy", Npy<int64_t>("(2,)", {3, 4}));
  CHECK(folder.Load().train.mapped_bytes() == 12);
  CHECK(folder.Load().train.resident_bytes() == 2);
  folder.RemoveLearnt();
  folder.Write("x_train.npy", Npy<float>("(2, 3)", {1, 2, 3, 4, 5, 6}));
  folder.Write("x_test.npy", Npy<double>("(1, 3)", {7, 8, 9}));
  CHECK(folder.Load().train.mapped_bytes() == 24);
  CHECK(folder.Load().test.resident_bytes() == 12);
}

TEST_CASE("floats at no multiple of four bytes are copied", "[npy]") {
  const NpyFolder folder;
  folder.RemoveLearnt();
  folder.Write("x_test.npy", Npy<float>("(1, 3)", {7, 8, 9}));
  std::string bytes = Npy<float>("(2, 3)", {1, 2, 3, 4, 5, 6});
  bytes.insert(20, " ");  // within the header, which is a byte longer then
  bytes[8] = static_cast<char>(bytes[8] + 1);
  folder.Write("x_train.npy", bytes);
  const DataSource source = folder.Load();
  CHECK(source.train.floats == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(source.train.mapped_bytes() == 0);
}

TEST_CASE("a part of a folder of arrays is that part of the whole", "[npy]") {
  const NpyFolder folder;
  folder.Write("x_train.npy", Npy<float>("(4, 2)", {0, 1, 2, 3, 4, 5, 6, 7}));
  folder.Write("x_test.npy", Npy<float>("(1, 2)", {8, 9}));
  for (const bool labelled : {false, true}) {
    folder.Write("y_train.npy", labelled ? Npy<int16_t>("(4,)", {3, 2, 1, 0})
                                         : Npy<double>("(4, 1)", {3, 2, 1, 0}));
    folder.Write("y_test.npy", labelled ? Npy<uint8_t>("(1,)", {1})
                                        : Npy<float>("(1, 1)", {1}));
    const DataSource whole = folder.Load();
    for (const int64_t train_limit : {1, 2, 3}) {
      for (const int64_t held_back_limit : {1, 2, 3}) {
        const Selection selection = {.held_back_of = Half,
                                     .train_limit = train_limit,
                                     .held_back_limit = held_back_limit};
        const Result<DataSource> part = LoadNpyFolder(folder.path(), selection);
        REQUIRE(part);
        const Dataset train = whole.train.Part(selection.Train(4));
        const Dataset held_back = whole.train.Part(selection.HeldBack(4));
        CHECK(part->train.floats == train.floats);
        CHECK(part->train.labels == train.labels);
        CHECK(part->train.targets == train.targets);
        CHECK(part->held_back.floats == held_back.floats);
        CHECK(part->held_back.labels == held_back.labels);
        CHECK(part->held_back.targets == held_back.targets);
        CHECK(part->test.floats == whole.test.floats);
      }
    }
  }
}

TEST_CASE("values that are not used are not looked at", "[npy]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const NpyFolder folder;
  folder.Write("x_train.npy", Npy<float>("(4, 2)", {0, 1, 2, nan, 4, 5, 6, 7}));
  folder.Write("y_train.npy", Npy<int16_t>("(4,)", {3, 2, 1, 999}));
  folder.Write("x_test.npy", Npy<float>("(1, 2)", {8, 9}));
  CHECK(LoadNpyFolder(folder.path(), {.train_limit = 1}));
  const auto message = [&](const Selection& selection) {
    const Result<DataSource> source = LoadNpyFolder(folder.path(), selection);
    return source ? "" : source.error().message;
  };
  CHECK(message({.train_limit = 2}).contains("found nan at [1, 1];"));
  CHECK(message({.held_back_of = Half, .train_limit = 1})
            .contains("found 999 at [3];"));
  CHECK(message({.held_back_of = Half, .train_limit = 1, .held_back_limit = 1})
            .empty());
}

}  // namespace
}  // namespace batchsweep
