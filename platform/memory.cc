#include "platform/memory.h"

#include <cstdlib>
#include <cstring>

namespace batchsweep {

void FreeAligned::operator()(std::byte* block) const { std::free(block); }

std::optional<int64_t> AvailableMemoryBytes(const std::filesystem::path& root) {
  const auto room = AvailableMemory(0, root);
  return room ? std::optional(room->bytes) : std::nullopt;
}

Result<AlignedBlock> AllocateAligned(int64_t size_bytes) {
  // A size_t of 32 bits holds less than what may be asked for.
  const bool addressable =
      size_bytes < int64_t{PTRDIFF_MAX} - static_cast<int64_t>(kArenaAlignment);
  const size_t rounded = (static_cast<size_t>(size_bytes) + kArenaAlignment) /
                         kArenaAlignment * kArenaAlignment;
  auto* block = addressable ? static_cast<std::byte*>(
                                  std::aligned_alloc(kArenaAlignment, rounded))
                            : nullptr;
  if (block == nullptr) {
    return Fail("cannot allocate {} bytes; choose a smaller batch or model",
                size_bytes);
  }
  std::memset(block, 0, rounded);
  return AlignedBlock(block);
}

}  // namespace batchsweep
