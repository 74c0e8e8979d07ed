#include "util/checksum.h"

#include <catch2/catch_test_macros.hpp>
#include <span>
#include <string>
#include <string_view>

namespace batchsweep {
namespace {

// The check value of CRC-32 (RFC 1952's), known to everyone.
TEST_CASE("a checksum is the known one of known bytes", "[checksum]") {
  CHECK(Crc32Text(ChecksumOf("123456789").crc32) == "cbf43926");
  CHECK(ChecksumOf("123456789").bytes == 9);
  CHECK(Crc32Text(ChecksumOf("").crc32) == "00000000");
}

TEST_CASE("a checksum is gone on with from its numbers", "[checksum]") {
  const std::string text = "rows,and,rows\nof,a,table\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const Checksum before = ChecksumOf(text.substr(0, cut));
    Checksum after = {.bytes = before.bytes, .crc32 = before.crc32};
    after.Add(text.substr(cut));
    CHECK(after == ChecksumOf(text));
  }
}

TEST_CASE("nothing added to a checksum leaves it as it was", "[checksum]") {
  Checksum checksum = ChecksumOf("rows");
  checksum.Add(std::string_view());
  checksum.Add(std::span<const float>());
  CHECK(checksum == ChecksumOf("rows"));
}

TEST_CASE("a checksum differs by any bit", "[checksum]") {
  const std::string text = "0.125,2.5";
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CHECK_FALSE(ChecksumOf(flipped) == ChecksumOf(text));
  }
}

}  // namespace
}  // namespace batchsweep
