// One aligned block of memory, and what the system says about ours.
#ifndef BATCHSWEEP_PLATFORM_MEMORY_H_
#define BATCHSWEEP_PLATFORM_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "platform/error.h"

namespace batchsweep {

// Zeroed memory at a multiple of `kArenaAlignment`, freed with its owner. Every
// page has been written to, so that none is faulted in later.
inline constexpr size_t kArenaAlignment = 64;
struct FreeAligned {
  void operator()(std::byte* block) const;
};
using AlignedBlock = std::unique_ptr<std::byte[], FreeAligned>;
Result<AlignedBlock> AllocateAligned(int64_t size_bytes);

// From now on freed blocks of 128 KiB and more go back to the system, so that
// what the process holds is what it uses. Nothing where the system cannot.
void ReturnFreedMemory();

// What the process holds in RAM, in bytes. Absent where the system does not
// tell. The peak covers the time since ResetPeakRss() last returned true, since
// the program's start otherwise.
struct ProcessMemory {
  std::optional<int64_t> rss_bytes;
  std::optional<int64_t> peak_rss_bytes;
};
// Opens and parses files: tens of microseconds. Not for inside a step.
ProcessMemory ReadProcessMemory();

// Starts the peak anew at the present RSS. False where the system cannot.
bool ResetPeakRss();

// Bytes that can be allocated now without swapping, within the cgroup's limit.
// Absent where the system does not tell.
std::optional<int64_t> AvailableMemoryBytes();

// RAM of the machine. Absent where the system does not tell.
std::optional<int64_t> TotalMemoryBytes();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_MEMORY_H_
