// The bytes of gzip files, made without zlib.
#ifndef BATCHSWEEP_TESTS_GZIP_BYTES_H_
#define BATCHSWEEP_TESTS_GZIP_BYTES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace batchsweep {

inline uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (crc % 2 ? 0xedb88320 : 0);
    }
  }
  return ~crc;
}

// The lowest `bytes` bytes of `value`.
inline std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (; bytes > 0; --bytes, value >>= 8) text += static_cast<char>(value);
  return text;
}

// `contents` as a gzip member of stored (not compressed) deflate blocks.
inline std::string Gzip(std::string_view contents) {
  std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  for (size_t begin = 0; begin == 0 || begin < contents.size();) {
    const std::string_view block = contents.substr(begin, 0xffff);
    begin += std::max<size_t>(block.size(), 1);
    gzip += begin >= contents.size() ? '\1' : '\0';
    gzip += LittleEndian(block.size(), 2) + LittleEndian(~block.size(), 2);
    gzip += block;
  }
  return gzip + LittleEndian(Crc32(contents), 4) +
         LittleEndian(contents.size(), 4);
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_GZIP_BYTES_H_
