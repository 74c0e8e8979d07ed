// A system that says nothing of memory. Blocks of our own are those of
// platform/memory.cc.
#include "platform/memory.h"

namespace batchsweep {

void ReturnFreedMemory() {}

ProcessMemory ReadProcessMemory() { return {}; }

bool ResetPeakRss() { return false; }

std::optional<MemoryRoom> AvailableMemory(int, const std::filesystem::path&) {
  return std::nullopt;
}

std::optional<int64_t> TotalMemoryBytes(const std::filesystem::path&) {
  return std::nullopt;
}

Swap ReadSwap(const std::filesystem::path&) { return {}; }

std::optional<int64_t> PageBytes() { return std::nullopt; }

}  // namespace batchsweep
