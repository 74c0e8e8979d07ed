#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/byte_stream.h"
#include "tests/gzip_bytes.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

std::string Numbers(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += std::to_string(i) + " ";
  return text;
}

// All bytes of a file, read in pieces of that size.
Result<std::string> ReadAll(const std::filesystem::path& path,
                            size_t piece_bytes) {
  ASSIGN_OR_RETURN(ByteStream stream, ByteStream::Open(path));
  std::string contents;
  std::vector<uint8_t> piece(piece_bytes);
  while (true) {
    ASSIGN_OR_RETURN(const size_t found, stream.Read(piece));
    contents.append(piece.begin(),
                    piece.begin() + static_cast<ptrdiff_t>(found));
    if (found < piece.size()) return contents;
  }
}

void CheckRefused(std::string_view bytes, std::string_view reason) {
  const TempDir dir;
  const auto path = dir.Write("some.gz", bytes);
  const auto contents = ReadAll(path, 1000);
  REQUIRE(!contents);
  INFO(contents.error().message);
  CHECK(contents.error().message.starts_with(path.string()));
  CHECK(contents.error().message.find(reason) != std::string::npos);
}

void CheckRead(std::string_view bytes, std::string_view expected) {
  const TempDir dir;
  const auto path = dir.Write("some", bytes);
  for (const size_t piece_bytes : {1uz, 7uz, 65'536uz, 1'000'000uz}) {
    INFO(piece_bytes);
    const auto contents = ReadAll(path, piece_bytes);
    REQUIRE(contents);
    CHECK((*contents == expected));
  }
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
  const auto contents = ByteStream::Open(dir.path() / "none.gz");
  REQUIRE(!contents);
  CHECK(contents.error().message.find((dir.path() / "none.gz").string()) !=
        std::string::npos);
}

TEST_CASE("what is skipped is as good as read", "[gzip]") {
  const TempDir dir;
  const std::string text = Numbers(50'000);
  for (const std::string& bytes : {Gzip(text), text}) {
    auto stream = ByteStream::Open(dir.Write("some", bytes));
    REQUIRE(stream);
    CHECK(stream->Skip(200'001).value() == 200'001);
    std::vector<uint8_t> found(10);
    REQUIRE(stream->Read(found).value() == 10);
    CHECK(std::string(found.begin(), found.end()) == text.substr(200'001, 10));
    CHECK(stream->Skip(1'000'000).value() == std::ssize(text) - 200'011);
    CHECK(stream->Skip(1).value() == 0);
  }
}

TEST_CASE("of a damaged file what comes before the damage is read", "[gzip]") {
  const TempDir dir;
  std::string bytes = Gzip(Numbers(50'000));
  bytes[bytes.size() - 12] ^= 1;
  auto stream = ByteStream::Open(dir.Write("some.gz", bytes));
  REQUIRE(stream);
  CHECK(stream->Skip(200'000).value() == 200'000);
  CHECK(!stream->Skip(1'000'000));
}

TEST_CASE("a stream is of a regular file", "[gzip]") {
  const TempDir dir;
  const auto stream = ByteStream::Open(dir.path());
  REQUIRE(!stream);
  CHECK(stream.error().message.ends_with("expected a regular file"));
}

}  // namespace
}  // namespace batchsweep
