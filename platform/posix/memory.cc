#include "platform/memory.h"

#include <cstdlib>
#include <cstring>

namespace batchsweep {

void FreeAligned::operator()(std::byte* block) const { std::free(block); }

Result<AlignedBlock> AllocateAligned(int64_t size_bytes) {
  const size_t rounded = (static_cast<size_t>(size_bytes) + kArenaAlignment) /
                         kArenaAlignment * kArenaAlignment;
  auto* block =
      static_cast<std::byte*>(std::aligned_alloc(kArenaAlignment, rounded));
  if (block == nullptr) {
    return Fail("cannot allocate {} bytes; choose a smaller batch or model",
                rounded);
  }
  std::memset(block, 0, rounded);
  return AlignedBlock(block);
}

}  // namespace batchsweep
