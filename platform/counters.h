// The CPU's own counts of what it did.
#ifndef BATCHSWEEP_PLATFORM_COUNTERS_H_
#define BATCHSWEEP_PLATFORM_COUNTERS_H_

#include <array>
#include <cstdint>
#include <optional>

namespace batchsweep {

// Since the counters were opened, in user mode. A count that this CPU, kernel
// or user does not have is absent. Where the CPU has fewer counters than are
// asked for, they take turns, and a count is scaled to the whole time.
struct CounterValues {
  std::optional<int64_t> cycles;
  std::optional<int64_t> instructions;
  std::optional<int64_t> cache_misses;  // of the last level of cache
  std::optional<int64_t> branch_misses;
};

// Counts for the thread that opens it and for all threads that this one starts
// afterwards.
class Counters {
 public:
  Counters();
  // Of other events, in the order of CounterValues, by the system's own
  // numbers: tests count what machines without a counter have, too.
  struct Event {
    uint32_t type = 0;
    uint64_t number = 0;
  };
  explicit Counters(const std::array<Event, 4>& events);
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  // Whether there is any count.
  bool any() const;
  // Some system calls: a microsecond or a few. From any thread.
  CounterValues Read() const;
  // Of all these threads, in user mode and the kernel.
  std::optional<int64_t> CpuTimeNs() const;

 private:
  // Of the events, and of the time computed; -1 where there is none. Unused on
  // platforms without counters.
  [[maybe_unused]] std::array<int, 4> fds_;
  [[maybe_unused]] int time_fd_;
};

// What a counter that ran for a part of the time would have counted in all of
// it; absent if it never ran.
std::optional<int64_t> WholeCount(uint64_t counted, uint64_t enabled_ns,
                                  uint64_t running_ns);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_COUNTERS_H_
