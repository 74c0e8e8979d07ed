// Which cores a thread runs on, how urgently, and how busy they all are.
#ifndef BATCHSWEEP_PLATFORM_CORES_H_
#define BATCHSWEEP_PLATFORM_CORES_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "platform/error.h"

namespace batchsweep {

// The kernel's numbers of the cores that the calling thread may run on; empty
// where the system does not tell.
std::vector<int> AllowedCores();

// The core that the calling thread is on now; -1 where the system does not
// tell.
int CurrentCore();

// The calling thread, and the threads it starts from now on, run on `cores`
// only; an error if none of them is there for this process.
Status StayOnCores(std::span<const int> cores);

// The calling thread, and the threads it starts from now on, go before all
// usual ones. An error says what that needs.
Status UseRealtimePriority();

// The part of each second that realtime threads may compute: 0.95 by Linux'
// default, which is a pause of 50 ms in each second. Absent where the system
// does not tell. `root`, here and below, stands for "/"; tests give a tree.
std::optional<double> RealtimeShare(const std::filesystem::path& root = "/");

// Core time that anyone has used since the machine started, this process
// included, and that another virtual machine took from it. Goes in steps of a
// kernel's tick, some milliseconds. Absent where the system does not tell.
std::optional<int64_t> MachineBusyNs(const std::filesystem::path& root = "/");

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_CORES_H_
