// One aligned block of memory, and what the system says about ours.
#ifndef BATCHSWEEP_PLATFORM_MEMORY_H_
#define BATCHSWEEP_PLATFORM_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

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
  std::optional<int64_t> rss_anon_bytes;  // of rss_bytes, what is no file's
  std::optional<int64_t> swap_bytes;      // swapped out, beside rss_bytes
};
// Opens and parses files: tens of microseconds. Not for inside a step.
ProcessMemory ReadProcessMemory();

// Starts the peak anew at the present RSS. False where the system cannot.
bool ResetPeakRss();

// What this process can still allocate.
struct MemoryRoom {
  int64_t bytes = 0;  // 0 or more
  std::string limit;  // what sets it, in words: "this machine", "ulimit -v"
};
// The least of what can be allocated without swapping, what the cgroup of the
// process and all above it leave, not counting file pages that the kernel would
// drop, and what its limits of address space and data leave once the stacks of
// `new_threads` are taken from them. Absent where the system does not tell.
// `root`, here and below, stands for "/"; tests give a made-up tree.
std::optional<MemoryRoom> AvailableMemory(
    int new_threads = 0, const std::filesystem::path& root = "/");

// Its bytes alone.
std::optional<int64_t> AvailableMemoryBytes(
    const std::filesystem::path& root = "/");

// What to say where an allocation failed of which nobody could tell before.
inline constexpr const char* kMemoryRanOut =
    "memory ran out; choose a smaller batch, model or --train-limit, or raise "
    "what limits it (ulimit -v, ulimit -d, the cgroup)";

// RAM of the machine. Absent where the system does not tell.
std::optional<int64_t> TotalMemoryBytes(
    const std::filesystem::path& root = "/");

// Swap space of the machine, and what of it is in use by anyone: a step that
// waits for it is not worth timing. Absent where the system does not tell; 0
// without swap.
struct Swap {
  std::optional<int64_t> total_bytes;
  std::optional<int64_t> used_bytes;
};
Swap ReadSwap(const std::filesystem::path& root = "/");

// Bytes of a page: 4096, or 16384 under the Raspberry Pi 5's usual kernel.
// Absent where the system does not tell.
std::optional<int64_t> PageBytes();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_MEMORY_H_
