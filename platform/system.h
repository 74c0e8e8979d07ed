// The machine and its operating system, as far as they tell.
#ifndef BATCHSWEEP_PLATFORM_SYSTEM_H_
#define BATCHSWEEP_PLATFORM_SYSTEM_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace batchsweep {

// How the kernel may clock some cores. The bounds are those in force, which a
// power mode can set below what the hardware could.
struct CoreClocking {
  std::vector<int> cores;               // the kernel's numbers, ascending
  std::optional<std::string> governor;  // "ondemand"
  std::optional<double> min_freq_hz;
  std::optional<double> max_freq_hz;
};

struct SystemInfo {
  std::string host_name;
  std::string kernel;                     // "Linux 6.12.25 aarch64"
  std::string c_library;                  // at run time: "glibc 2.41"
  std::optional<std::string> board;       // "Raspberry Pi 5 Model B Rev 1.0"
  std::optional<std::string> soc;         // "bcm2712"; absent on PCs
  std::optional<std::string> governor;    // of the first core
  std::optional<std::string> power_mode;  // Jetson: "MODE_15W (2)"
  std::vector<CoreClocking> clocking;     // cores set alike are one entry;
                                          // empty where nothing is told
};
// `root` stands for "/"; tests give a made-up tree. The names of host, kernel
// and C library are those of the running system all the same.
SystemInfo DescribeSystem(const std::filesystem::path& root = "/");

// Cores that this process may use: its affinity mask, cut to the cgroup's CPU
// quota, at least 1.
int UsableCores();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_SYSTEM_H_
