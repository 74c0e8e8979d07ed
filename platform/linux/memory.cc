#include "platform/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

constexpr int64_t kBytesPerKb = 1024;  // the kernel's kB

std::optional<int64_t> KbToBytes(std::optional<int64_t> kb) {
  return kb ? std::optional(*kb * kBytesPerKb) : std::nullopt;
}

// The tightest memory.max less memory.current of our cgroup and its ancestors.
// Absent without a limit, as on a Raspberry Pi, whose kernel is started with
// cgroup_disable=memory.
std::optional<int64_t> CgroupRoomBytes(const std::filesystem::path& root) {
  const auto membership = sysfs::ReadText(root / "proc/self/cgroup");
  if (!membership) return std::nullopt;
  const size_t start = membership->find("0::/");
  if (start == std::string::npos) return std::nullopt;
  const std::string own = membership->substr(
      start + 4, membership->find('\n', start) - (start + 4));
  const std::filesystem::path top = root / "sys/fs/cgroup";
  std::optional<int64_t> room;
  for (auto folder = top / own;; folder = folder.parent_path()) {
    const auto limit = sysfs::ReadInteger(folder / "memory.max");
    const auto used = sysfs::ReadInteger(folder / "memory.current");
    if (limit && used) {
      const int64_t left = std::max<int64_t>(0, *limit - *used);
      room = std::min(room.value_or(left), left);
    }
    if (folder == top || !folder.has_relative_path()) return room;
  }
}

}  // namespace

void ReturnFreedMemory() {
  // A set threshold no longer grows with what is freed, as glibc's own does.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

ProcessMemory ReadProcessMemory() {
  const std::string status = sysfs::ReadText("/proc/self/status").value_or("");
  const auto bytes_of = [&](std::string_view key) {
    return KbToBytes(sysfs::FindKeyedInteger(status, key));
  };
  return {.rss_bytes = bytes_of("VmRSS"),
          .peak_rss_bytes = bytes_of("VmHWM"),
          .rss_anon_bytes = bytes_of("RssAnon"),
          .swap_bytes = bytes_of("VmSwap")};
}

bool ResetPeakRss() {
  const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool reset = write(fd, "5", 1) == 1;
  close(fd);
  return reset;
}

std::optional<int64_t> AvailableMemoryBytes(const std::filesystem::path& root) {
  const auto system =
      KbToBytes(sysfs::ReadKeyedInteger(root / "proc/meminfo", "MemAvailable"));
  const auto cgroup = CgroupRoomBytes(root);
  if (!system || !cgroup) return system ? system : cgroup;
  return std::min(*system, *cgroup);
}

std::optional<int64_t> TotalMemoryBytes(const std::filesystem::path& root) {
  return KbToBytes(sysfs::ReadKeyedInteger(root / "proc/meminfo", "MemTotal"));
}

Swap ReadSwap(const std::filesystem::path& root) {
  const auto meminfo = root / "proc/meminfo";
  Swap swap = {.total_bytes =
                   KbToBytes(sysfs::ReadKeyedInteger(meminfo, "SwapTotal"))};
  const auto free = KbToBytes(sysfs::ReadKeyedInteger(meminfo, "SwapFree"));
  if (swap.total_bytes && free) swap.used_bytes = *swap.total_bytes - *free;
  return swap;
}

std::optional<int64_t> PageBytes() { return sysconf(_SC_PAGESIZE); }

}  // namespace batchsweep
