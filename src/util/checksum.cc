#include "util/checksum.h"

#include <zlib.h>

#include <format>

namespace batchsweep {

void Checksum::Add(std::string_view text) {
  // zlib takes a null pointer for the wish to begin anew.
  if (text.empty()) return;
  crc32 = static_cast<uint32_t>(::crc32_z(
      crc32, reinterpret_cast<const Bytef*>(text.data()), text.size()));
  bytes += std::ssize(text);
}

Checksum ChecksumOf(std::string_view text) {
  Checksum checksum;
  checksum.Add(text);
  return checksum;
}

std::string Crc32Text(uint32_t crc32) { return std::format("{:08x}", crc32); }

}  // namespace batchsweep
