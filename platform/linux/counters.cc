#include "platform/counters.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace batchsweep {
namespace {

// Each in a group of its own, so that one that is missing takes none of the
// others with it. That Cortex cores count last-level misses as asked for is for
// a board to confirm.
int Open(const Counters::Event& event) {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = event.type;
  attributes.config = event.number;
  attributes.read_format =
      PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  attributes.inherit = 1;
  attributes.exclude_kernel = 1;  // which would need more rights
  attributes.exclude_hv = 1;
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, /*pid=*/0,
                                  /*cpu=*/-1, /*group=*/-1,
                                  PERF_FLAG_FD_CLOEXEC));
}

std::optional<int64_t> ReadCount(int fd) {
  struct {
    uint64_t value, enabled_ns, running_ns;
  } count;
  if (fd < 0 || read(fd, &count, sizeof count) != sizeof count) {
    return std::nullopt;
  }
  return WholeCount(count.value, count.enabled_ns, count.running_ns);
}

}  // namespace

Counters::Counters()
    : Counters({Event{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
                Event{PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
                Event{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
                Event{PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES}}) {}

Counters::Counters(const std::array<Event, 4>& events)
    : time_fd_(Open({PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK})) {
  std::ranges::transform(events, fds_.begin(), Open);
}

Counters::~Counters() {
  for (const int fd : fds_) {
    if (fd >= 0) close(fd);
  }
  if (time_fd_ >= 0) close(time_fd_);
}

bool Counters::any() const {
  return std::ranges::any_of(fds_, [](int fd) { return fd >= 0; });
}

CounterValues Counters::Read() const {
  return {.cycles = ReadCount(fds_[0]),
          .instructions = ReadCount(fds_[1]),
          .cache_misses = ReadCount(fds_[2]),
          .branch_misses = ReadCount(fds_[3])};
}

std::optional<int64_t> Counters::CpuTimeNs() const {
  return ReadCount(time_fd_);
}

}  // namespace batchsweep
