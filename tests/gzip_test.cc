#include "data/gzip.h"

#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "tests/gzip_bytes.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

std::string Numbers(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += std::to_string(i) + " ";
  return text;
}

void CheckRefused(std::string_view bytes, std::string_view reason) {
  const TempDir dir;
  const auto path = dir.Write("some.gz", bytes);
  const auto contents = ReadMaybeGzip(path);
  REQUIRE(!contents);
  INFO(contents.error().message);
  CHECK(contents.error().message.starts_with(path.string()));
  CHECK(contents.error().message.find(reason) != std::string::npos);
}

void CheckRead(std::string_view bytes, std::string_view expected) {
  const TempDir dir;
  const auto contents = ReadMaybeGzip(dir.Write("some", bytes));
  REQUIRE(contents);
  CHECK((*contents == expected));
}

TEST_CASE("a file without gzip's magic comes as it is", "[gzip]") {
  CheckRead("plain text", "plain text");
  CheckRead("", "");
  CheckRead("\x1f", "\x1f");
}

TEST_CASE("a gzip file comes inflated", "[gzip]") {
  CheckRead(Gzip("hello"), "hello");
  CheckRead(Gzip(""), "");
  const std::string long_text = Numbers(50'000);
  CheckRead(Gzip(long_text), long_text);
}

TEST_CASE("a file that gzip made, compressed, comes inflated", "[gzip]") {
  // printf 'abcabcabcabcabcabc' | gzip -9n
  CheckRead(std::string_view("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"
                             "\x4b\x4c\x4a\x4e\x44\x45\x00"
                             "\x04\xc0\x26\xdc\x12\x00\x00\x00",
                             25),
            "abcabcabcabcabcabc");
}

TEST_CASE("gzip members one behind the other come joined", "[gzip]") {
  CheckRead(Gzip("one ") + Gzip("") + Gzip("two"), "one two");
}

TEST_CASE("a gzip file cut off anywhere is refused", "[gzip]") {
  const std::string whole = Gzip("some contents");
  for (size_t size = 2; size < whole.size(); ++size) {
    INFO(size);
    CheckRefused(whole.substr(0, size), "ends early; expected a whole file");
  }
  const std::string two = whole + whole;
  CheckRefused(two.substr(0, two.size() - 1), "ends early");
}

TEST_CASE("a gzip file with a wrong checksum is refused", "[gzip]") {
  std::string bytes = Gzip("some contents");
  bytes[bytes.size() - 12] ^= 1;  // the last of the contents
  CheckRefused(bytes, "incorrect data check");
}

TEST_CASE("a gzip file with a wrong length is refused", "[gzip]") {
  std::string bytes = Gzip("some contents");
  bytes[bytes.size() - 4] ^= 1;
  CheckRefused(bytes, "incorrect length check");
  bytes.back() = '\x7f';  // claims 2 GB
  CheckRefused(bytes, "incorrect length check");
}

TEST_CASE("a gzip file with a damaged block is refused", "[gzip]") {
  std::string bytes = Gzip("some contents");
  bytes[10] = '\7';  // no such block type
  CheckRefused(bytes, "invalid block type");
  CheckRefused(bytes, "expected a whole file, fetch it again");
}

TEST_CASE("a gzip file with something behind it is refused", "[gzip]") {
  CheckRefused(Gzip("contents") + "xyz",
               "expected the end of the gzip data, found 3 more bytes");
  CheckRefused(Gzip("contents") + std::string(1, '\0'), "found 1 more bytes");
}

TEST_CASE("a missing gzip file is refused by name", "[gzip]") {
  const TempDir dir;
  const auto contents = ReadMaybeGzip(dir.path() / "none.gz");
  REQUIRE(!contents);
  CHECK(contents.error().message.find((dir.path() / "none.gz").string()) !=
        std::string::npos);
}

}  // namespace
}  // namespace batchsweep
