#include "platform/cores.h"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "platform/linux/sysfs.h"

namespace batchsweep {

std::vector<int> AllowedCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &mask)) cores.push_back(core);
  }
  return cores;
}

int CurrentCore() { return sched_getcpu(); }

Status StayOnCores(std::span<const int> cores) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int core : cores) {
    if (core >= 0 && core < CPU_SETSIZE) CPU_SET(core, &mask);
  }
  if (sched_setaffinity(0, sizeof mask, &mask) == 0) return {};
  return Fail("cannot stay on these cores: {}", std::strerror(errno));
}

Status UseRealtimePriority() {
  const sched_param lowest = {.sched_priority =
                                  sched_get_priority_min(SCHED_FIFO)};
  if (sched_setscheduler(0, SCHED_FIFO, &lowest) == 0) return {};
  return Fail(
      "no realtime priority: {}; it needs root, CAP_SYS_NICE or an rtprio in "
      "/etc/security/limits.conf",
      std::strerror(errno));
}

std::optional<double> RealtimeShare(const std::filesystem::path& root) {
  const auto kernel = root / "proc/sys/kernel";
  const auto runtime = sysfs::ReadInteger(kernel / "sched_rt_runtime_us");
  const auto period = sysfs::ReadInteger(kernel / "sched_rt_period_us");
  if (!runtime || !period || *period <= 0) return std::nullopt;
  if (*runtime < 0) return 1.0;  // -1: no limit
  return static_cast<double>(*runtime) / static_cast<double>(*period);
}

std::optional<int64_t> MachineBusyNs(const std::filesystem::path& root) {
  const auto text = sysfs::ReadText(root / "proc/stat");
  if (!text || !text->starts_with("cpu ")) return std::nullopt;
  std::istringstream line(text->substr(4, text->find('\n')));
  // user nice system idle iowait irq softirq steal; guests are within user.
  std::array<int64_t, 8> ticks = {};
  for (int64_t& count : ticks) line >> count;
  if (!line) return std::nullopt;
  constexpr size_t kIdle = 3, kIoWait = 4;
  int64_t busy = 0;
  for (size_t i = 0; i < ticks.size(); ++i) {
    if (i != kIdle && i != kIoWait) busy += ticks[i];
  }
  return busy * (1'000'000'000 / sysconf(_SC_CLK_TCK));
}

}  // namespace batchsweep
