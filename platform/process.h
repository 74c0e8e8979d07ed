// Work in a process of its own, and what this process has used so far.
#ifndef BATCHSWEEP_PLATFORM_PROCESS_H_
#define BATCHSWEEP_PLATFORM_PROCESS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "platform/error.h"

namespace batchsweep {

// Runs `work`, which messages call `name`, in a child process, which begins
// with a copy of all memory, and waits for its end: nothing that it does to
// memory is left, only what it wrote to files. Returns what `work` returned, or
// an error if the child was killed or ran out of memory. The child ends with
// this process, and leaves interrupts to it: both see InterruptRequested().
// REQUIRES: this process has no other threads.
Status RunInChild(std::string_view name, const std::function<Status()>& work);

// Begins this program anew with the arguments it was started with and, unless
// it is among them, `extra_argument`: in the same process, at other addresses.
// Returns only if that is impossible, as under an emulator, or if an interrupt
// was requested, which the new program would not know of. One that comes on the
// way reaches that.
void RestartProgram(const char* extra_argument);

// What this process, with all its threads, has used since it began.
struct ProcessUsage {
  int64_t cpu_time_ns = 0;
  // Pages that had to be read from disk; absent where the system does not tell.
  std::optional<int64_t> major_faults;
};
ProcessUsage ReadProcessUsage();

// Reads the files of this program and its libraries, so that none of their
// pages comes from the disk while a step is timed; right after a build or a
// start of the board they are not in memory. Returns the bytes read, 0 where
// the system does not tell which files these are. Takes no memory that stays,
// and as long as the disk needs: nothing the second time.
int64_t ReadProgramFiles();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_PROCESS_H_
