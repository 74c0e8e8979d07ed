#include "platform/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

constexpr int64_t kBytesPerKb = 1024;  // the kernel's kB

// Absent for what is no size of memory: the first version of cgroups writes a
// limit near 2^63 for none. What is left can be added and multiplied.
std::optional<int64_t> AsSize(std::optional<int64_t> number) {
  constexpr int64_t kMost = int64_t{1} << 50;
  return number && *number >= 0 && *number <= kMost ? number : std::nullopt;
}

std::optional<int64_t> KbToBytes(std::optional<int64_t> kb) {
  const auto size = AsSize(kb);
  return size ? std::optional(*size * kBytesPerKb) : std::nullopt;
}

// Where the controller of memory is and how its files are called.
struct CgroupVersion {
  const char* top;
  const char* limit;
  const char* used;
  const char*
      droppable;  // in memory.stat: file pages that were not used lately
};
constexpr CgroupVersion kVersion1 = {
    "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
    "total_inactive_file"};
constexpr CgroupVersion kVersion2 = {"sys/fs/cgroup", "memory.max",
                                     "memory.current", "inactive_file"};

using Room = std::optional<MemoryRoom>;

void Narrow(Room& room, const Room& other) {
  if (other && (!room || other->bytes < room->bytes)) room = other;
}

// The number behind "key " in lines of "key 123".
std::optional<int64_t> StatOf(const std::filesystem::path& folder,
                              const std::string& key) {
  const auto text = sysfs::ReadText(folder / "memory.stat");
  if (!text) return std::nullopt;
  const std::string line = "\n" + key + " ";
  const size_t at = ("\n" + *text).find(line);
  if (at == std::string::npos) return std::nullopt;
  return AsSize(
      std::strtoll(text->c_str() + at + line.size() - 1, nullptr, 10));
}

Room RoomOf(const std::filesystem::path& folder, const CgroupVersion& version,
            const std::filesystem::path& root) {
  const auto limit = AsSize(sysfs::ReadInteger(folder / version.limit));
  const auto used = AsSize(sysfs::ReadInteger(folder / version.used));
  if (!limit || !used) return std::nullopt;  // "max"
  const int64_t held =
      *used - std::min(*used, StatOf(folder, version.droppable).value_or(0));
  return MemoryRoom{.bytes = std::max<int64_t>(0, *limit - held),
                    .limit = "the cgroup's limit " +
                             sysfs::Shown(root, folder / version.limit)};
}

// The tightest of our cgroup and its ancestors. In a container the path may be
// that of the host, which is not there: what is mounted at the top is then the
// container's own.
void NarrowToCgroups(Room& room, const std::string& own,
                     const CgroupVersion& version,
                     const std::filesystem::path& root) {
  const std::filesystem::path top = root / version.top;
  const auto relative = std::filesystem::path(own).relative_path();
  auto folder = relative.empty() ? top : top / relative;
  while (true) {
    Narrow(room, RoomOf(folder, version, root));
    if (folder == top || !folder.has_relative_path()) return;
    folder = folder.parent_path();
  }
}

// By lines of "number:controllers:path", where version 2 names no controller.
// No limit at all on a Raspberry Pi, whose kernel is started with
// cgroup_disable=memory.
void NarrowToCgroups(Room& room, const std::filesystem::path& root) {
  std::istringstream lines(
      sysfs::ReadText(root / "proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers =
        "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string own = line.substr(second + 1);
    if (controllers == ",,") NarrowToCgroups(room, own, kVersion2, root);
    if (controllers.contains(",memory,")) {
      NarrowToCgroups(room, own, kVersion1, root);
    }
  }
}

// The soft limit of a line of /proc/self/limits; absent if unlimited.
std::optional<int64_t> SoftLimit(std::string_view limits,
                                 std::string_view name) {
  const size_t at = limits.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  limits.remove_prefix(at + name.size());
  limits.remove_prefix(std::min(limits.find_first_not_of(' '), limits.size()));
  int64_t bytes = 0;
  const auto parsed =
      std::from_chars(limits.data(), limits.data() + limits.size(), bytes);
  return parsed.ec == std::errc() ? AsSize(bytes) : std::nullopt;
}

// The limits of address space and data count what is mapped, whether it is used
// or not, and so the whole stack of each thread.
void NarrowToLimits(Room& room, int new_threads,
                    const std::filesystem::path& root) {
  constexpr int64_t kUsualStackBytes = 8 << 20;
  const auto limits = sysfs::ReadText(root / "proc/self/limits");
  const auto status = sysfs::ReadText(root / "proc/self/status");
  if (!limits || !status) return;
  const int64_t stacks_bytes =
      new_threads *
      std::min(SoftLimit(*limits, "Max stack size").value_or(kUsualStackBytes),
               kUsualStackBytes);
  const auto narrow = [&](const char* name, const char* key,
                          const char* ulimit) {
    const auto limit = SoftLimit(*limits, name);
    const auto used = KbToBytes(sysfs::FindKeyedInteger(*status, key));
    if (!limit || !used) return;
    Narrow(room, MemoryRoom{.bytes = std::max<int64_t>(
                                0, *limit - *used - stacks_bytes),
                            .limit = ulimit});
  };
  narrow("Max address space", "VmSize", "ulimit -v");
  narrow("Max data size", "VmData", "ulimit -d");
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

std::optional<MemoryRoom> AvailableMemory(int new_threads,
                                          const std::filesystem::path& root) {
  Room room;
  if (const auto bytes = KbToBytes(
          sysfs::ReadKeyedInteger(root / "proc/meminfo", "MemAvailable"))) {
    room = {.bytes = *bytes, .limit = "this machine"};
  }
  NarrowToCgroups(room, root);
  NarrowToLimits(room, new_threads, root);
  return room;
}

std::optional<int64_t> TotalMemoryBytes(const std::filesystem::path& root) {
  return KbToBytes(sysfs::ReadKeyedInteger(root / "proc/meminfo", "MemTotal"));
}

Swap ReadSwap(const std::filesystem::path& root) {
  const auto meminfo = root / "proc/meminfo";
  Swap swap = {.total_bytes =
                   KbToBytes(sysfs::ReadKeyedInteger(meminfo, "SwapTotal"))};
  const auto free = KbToBytes(sysfs::ReadKeyedInteger(meminfo, "SwapFree"));
  if (swap.total_bytes && free && *free <= *swap.total_bytes) {
    swap.used_bytes = *swap.total_bytes - *free;
  }
  return swap;
}

std::optional<int64_t> PageBytes() { return sysconf(_SC_PAGESIZE); }

}  // namespace batchsweep
