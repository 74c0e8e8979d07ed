#include "platform/system.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>

#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

// cpu.max is "quota period" in microseconds, or "max period".
int CgroupQuotaCores() {
  const auto text = sysfs::ReadText("/sys/fs/cgroup/cpu.max");
  if (!text) return INT32_MAX;
  int64_t quota_us = 0, period_us = 0;
  const char* end = text->data() + text->size();
  const auto quota = std::from_chars(text->data(), end, quota_us);
  if (quota.ec != std::errc() || quota.ptr == end) return INT32_MAX;
  const auto period = std::from_chars(quota.ptr + 1, end, period_us);
  if (period.ec != std::errc() || period_us <= 0) return INT32_MAX;
  return static_cast<int>(std::max<int64_t>(1, quota_us / period_us));
}

std::optional<std::string> BoardName() {
  // Arm boards have a device tree, PCs have DMI.
  if (auto model = sysfs::ReadText("/proc/device-tree/model")) return model;
  return sysfs::ReadText("/sys/class/dmi/id/product_name");
}

}  // namespace

SystemInfo DescribeSystem() {
  utsname names;
  uname(&names);
  return {.host_name = names.nodename,
          .kernel = std::string(names.sysname) + " " + names.release + " " +
                    names.machine,
          .board = BoardName(),
          .governor = sysfs::ReadText(
              "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")};
}

int UsableCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const int affinity =
      sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
  return std::max(1, std::min(affinity, CgroupQuotaCores()));
}

bool CpuFilesReadable() {
  const auto cpuinfo = sysfs::ReadText("/proc/cpuinfo");
  return cpuinfo && !cpuinfo->empty() &&
         sysfs::ReadText("/sys/devices/system/cpu/possible");
}

}  // namespace batchsweep
