#include "model/safetensors.h"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <format>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "platform/file.h"
#include "tests/fixtures.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

std::string FileOf(uint64_t header_bytes, std::string_view rest) {
  std::string bytes(sizeof(header_bytes), '\0');
  std::memcpy(bytes.data(), &header_bytes, sizeof(header_bytes));
  return bytes.append(rest);
}

std::string FileOf(std::string_view header, size_t data_bytes) {
  return FileOf(header.size(),
                std::string(header) + std::string(data_bytes, '\0'));
}

// What ReadSafetensors says of a file of these bytes, in which it must name
// that file.
std::string Refusal(std::string_view bytes) {
  const TempDir dir;
  const auto path = dir.Write("w.safetensors", bytes);
  const auto tensors = ReadSafetensors(path);
  REQUIRE(!tensors);
  CHECK(tensors.error().message.starts_with(path.string()));
  return tensors.error().message;
}

std::vector<uint32_t> Bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits;
  for (const float value : values) {
    bits.push_back(std::bit_cast<uint32_t>(value));
  }
  return bits;
}

TEST_CASE("tensors come back bit for bit and in their order", "[safetensors]") {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<NamedTensor> written = {
      {"z/kernel",
       {{2, 3}},
       {std::bit_cast<float>(0x7fc12345u), std::bit_cast<float>(0xffa00001u),
        -0.0f, inf, -inf, std::numeric_limits<float>::denorm_min()}},
      {"a \"quoted\" name", {{1}}, {1.5f}},
      {"scalar", {}, {-2.0f}},
      {"empty", {{0, 4}}, {}},
  };
  const TempDir dir;
  const auto path = dir.path() / "w.safetensors";
  REQUIRE(WriteTensors(path, written));
  const auto read = ReadSafetensors(path);
  REQUIRE(read);
  REQUIRE(read->size() == written.size());
  for (size_t i = 0; i < written.size(); ++i) {
    CHECK((*read)[i].name == written[i].name);
    CHECK((*read)[i].shape == written[i].shape);
    CHECK(Bits((*read)[i].values) == Bits(written[i].values));
  }
}

TEST_CASE("data begin at a multiple of 8 bytes", "[safetensors]") {
  const TempDir dir;
  const auto path = dir.path() / "w.safetensors";
  for (const std::string_view name : {"a", "ab", "abc", "abcdefgh"}) {
    REQUIRE(WriteTensors(path, {{std::string(name), {{1}}, {1.0f}}}));
    const auto bytes = ReadFile(path);
    REQUIRE(bytes);
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes->data(), sizeof(header_bytes));
    CHECK(header_bytes % 8 == 0);
    CHECK(bytes->size() == 8 + header_bytes + 4);
    CHECK((*bytes)[8] == '{');
  }
}

TEST_CASE("a file of another writer is read", "[safetensors]") {
  // Entries out of order, metadata, a header that is not padded to 8 bytes.
  const TempDir dir;
  const auto path =
      dir.Write("w.safetensors", FileOf(R"({"__metadata__": {"format": "pt"},
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
        "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}} )",
                                        12));
  const auto tensors = ReadSafetensors(path);
  REQUIRE(tensors);
  REQUIRE(tensors->size() == 2);
  CHECK((*tensors)[0].name == "a");
  CHECK((*tensors)[0].shape == Shape{{2, 1}});
  CHECK((*tensors)[1].values == std::vector<float>{0.0f});
}

TEST_CASE("a file without tensors is read as none", "[safetensors]") {
  const TempDir dir;
  const auto path = dir.path() / "w.safetensors";
  REQUIRE(WriteTensors(path, {}));
  const auto tensors = ReadSafetensors(path);
  REQUIRE(tensors);
  CHECK(tensors->empty());
}

TEST_CASE("a file that is not there is refused", "[safetensors]") {
  const TempDir dir;
  CHECK(!ReadSafetensors(dir.path() / "none"));
}

TEST_CASE("a name that is not UTF-8 is not written", "[safetensors]") {
  const TempDir dir;
  const auto path = dir.path() / "w.safetensors";
  CHECK(!WriteTensors(path, {{"\xff", {{1}}, {1.0f}}}));
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("a truncated safetensors file is refused", "[safetensors]") {
  const std::string whole = FileOf(
      R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", 8);
  CHECK(Refusal("").contains("too short"));
  CHECK(Refusal(whole.substr(0, 7)).contains("too short"));
  CHECK(Refusal(whole.substr(0, 20)).contains("header"));
  CHECK(Refusal(whole.substr(0, whole.size() - 1))
            .contains("8 bytes of data, the file has 7"));
  CHECK(Refusal(whole + "x").contains("8 bytes of data, the file has 9"));
}

TEST_CASE("an absurd header length is refused", "[safetensors]") {
  CHECK(Refusal(FileOf(UINT64_MAX, "{}")).contains("header"));
  CHECK(Refusal(FileOf(3, "{}")).contains("header of 3 bytes"));
  CHECK(Refusal(FileOf(0, "{}")).contains("header"));
}

TEST_CASE("a header that is not of this form is refused", "[safetensors]") {
  CHECK(Refusal(FileOf("{\"a\"", 0)).contains("not a JSON object"));
  CHECK(Refusal(FileOf("[]", 0)).contains("not a JSON object"));
  CHECK(Refusal(FileOf("{\"\xff\": 1}", 0)).contains("not a JSON object"));
  CHECK(Refusal(FileOf(R"({"a": 1})", 0)).contains("tensor \"a\""));
  CHECK(Refusal(FileOf(R"({"a": {"dtype": "F32", "shape": [1]}})", 4))
            .contains("tensor \"a\""));
}

TEST_CASE("a dtype other than F32 is refused", "[safetensors]") {
  const std::string message = Refusal(FileOf(
      R"({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}})", 2));
  CHECK(message.contains("tensor \"a\""));
  CHECK(message.contains("BF16"));
}

TEST_CASE("shapes that are not sizes or overflow are refused",
          "[safetensors]") {
  for (const std::string_view shape :
       {"1", "[-1]", "[1.5]", "[18446744073709551615]",
        "[0, 18446744073709551615]", "[4294967296, 4294967296]",
        "[4294967296, 4294967296, 0]", "[2305843009213693952]"}) {
    const std::string message = Refusal(FileOf(
        std::format(
            R"({{"a": {{"dtype": "F32", "shape": {}, "data_offsets": [0, 0]}}}})",
            shape),
        0));
    INFO(message);
    CHECK(message.contains("tensor \"a\": shape"));
  }
}

TEST_CASE("offsets that do not match the shape are refused", "[safetensors]") {
  for (const std::string_view offsets :
       {"[0, 4]", "[8, 0]", "[0, 9]", "[0]", "[0, 8, 8]", "[-8, 0]", "8",
        "[0, 18446744073709551615]", "[18446744073709551608, 0]"}) {
    const std::string message = Refusal(FileOf(
        std::format(
            R"({{"a": {{"dtype": "F32", "shape": [2], "data_offsets": {}}}}})",
            offsets),
        8));
    INFO(message);
    CHECK(message.contains("tensor \"a\": data_offsets"));
  }
}

TEST_CASE("tensors that overlap or leave holes are refused", "[safetensors]") {
  const auto refusal = [](int begin) {
    return Refusal(FileOf(
        std::format(
            R"({{"a": {{"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}},
            "b": {{"dtype": "F32", "shape": [1], "data_offsets": [{}, {}]}}}})",
            begin, begin + 4),
        16));
  };
  CHECK(refusal(4).contains("tensor \"b\" begins at data byte 4, expected 8"));
  CHECK(
      refusal(12).contains("tensor \"b\" begins at data byte 12, expected 8"));
  CHECK(refusal(8).contains("12 bytes of data, the file has 16"));
  CHECK(Refusal(FileOf(R"({"a": {"dtype": "F32", "shape": [1],
                           "data_offsets": [18446744073709551608,
                                            18446744073709551612]}})",
                       4))
            .contains("tensor \"a\" begins"));
}

}  // namespace
}  // namespace batchsweep
