// CRC-32, as gzip and Ethernet have it: finds every flipped bit and every
// burst of up to 32 bits, and one in four billion of other damages not.
#ifndef BATCHSWEEP_UTIL_CHECKSUM_H_
#define BATCHSWEEP_UTIL_CHECKSUM_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "platform/error.h"
#include "util/fields.h"

namespace batchsweep {

// The checksum of all bytes so far, and how many they are. What it is of can be
// gone on with at any time, from these two numbers alone.
struct Checksum {
  int64_t bytes = 0;
  uint32_t crc32 = 0;

  void Add(std::string_view text);
  template <class Value>
  void Add(std::span<const Value> values) {
    Add(std::string_view(reinterpret_cast<const char*>(values.data()),
                         values.size_bytes()));
  }

  bool operator==(const Checksum&) const = default;

  static constexpr auto Fields() {
    return FieldList<&Checksum::bytes, &Checksum::crc32>();
  }
};

Checksum ChecksumOf(std::string_view text);

// Of a regular file's first `size_bytes`, or of all of it, read in pieces. An
// error names the path: it cannot be read or is shorter.
Result<Checksum> ChecksumOfFile(const std::filesystem::path& path,
                                int64_t size_bytes);
Result<Checksum> ChecksumOfFile(const std::filesystem::path& path);

// "0a1b2c3d", of eight lower-case hexadecimal digits.
std::string Crc32Text(uint32_t crc32);

}  // namespace batchsweep

#endif  // BATCHSWEEP_UTIL_CHECKSUM_H_
