// A CPU whose counters nobody can read: every count is absent.
#include "platform/counters.h"

namespace batchsweep {

Counters::Counters() : Counters(std::array<Event, 4>{}) {}

Counters::Counters(const std::array<Event, 4>&) : time_fd_(-1) {
  fds_.fill(-1);
}

Counters::~Counters() = default;

bool Counters::any() const { return false; }

CounterValues Counters::Read() const { return {}; }

std::optional<int64_t> Counters::CpuTimeNs() const { return std::nullopt; }

}  // namespace batchsweep
