#include "util/checksum.h"

#include <zlib.h>

#include <format>

#include "platform/file.h"

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

Result<Checksum> ChecksumOfFile(const std::filesystem::path& path,
                                int64_t size_bytes) {
  Checksum checksum;
  RETURN_IF_ERROR(VisitFile(
      path, size_bytes, [&](std::string_view bytes) { checksum.Add(bytes); }));
  return checksum;
}

Result<Checksum> ChecksumOfFile(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const int64_t size_bytes, FileBytes(path));
  return ChecksumOfFile(path, size_bytes);
}

std::string Crc32Text(uint32_t crc32) { return std::format("{:08x}", crc32); }

}  // namespace batchsweep
