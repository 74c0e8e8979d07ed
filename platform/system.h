// The machine and its operating system, as far as they tell.
#ifndef BATCHSWEEP_PLATFORM_SYSTEM_H_
#define BATCHSWEEP_PLATFORM_SYSTEM_H_

#include <optional>
#include <string>

namespace batchsweep {

struct SystemInfo {
  std::string host_name;
  std::string kernel;                   // "Linux 6.12.25 aarch64"
  std::optional<std::string> board;     // "Raspberry Pi 5 Model B Rev 1.0"
  std::optional<std::string> governor;  // of the first core
};
SystemInfo DescribeSystem();

// Cores that this process may use: its affinity mask, cut to the cgroup's CPU
// quota, at least 1.
int UsableCores();

// Whether the files that cpuinfo reads are there and filled.
bool CpuFilesReadable();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_SYSTEM_H_
