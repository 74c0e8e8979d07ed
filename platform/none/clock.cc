// Of the C++ library.
#include "platform/clock.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <format>

namespace batchsweep {
namespace {

namespace time = std::chrono;

int64_t NanosecondsOf(auto point) {
  return time::nanoseconds(point.time_since_epoch()).count();
}

double CostNs() {
  constexpr int kReadings = 200;
  std::array<int64_t, 9> blocks;
  for (int64_t& block : blocks) {
    const int64_t start_ns = MonotonicNs();
    for (int i = 0; i < kReadings; ++i) MonotonicNs();
    block = MonotonicNs() - start_ns;
  }
  std::ranges::sort(blocks);
  return static_cast<double>(blocks[blocks.size() / 2]) / kReadings;
}

}  // namespace

int64_t MonotonicNs() { return NanosecondsOf(time::steady_clock::now()); }

int64_t UnixOffsetNs() {
  return NanosecondsOf(time::system_clock::now()) - MonotonicNs();
}

ClockProperties MeasureClock() {
  int64_t tick_ns = INT64_MAX;
  for (int i = 0; i < 200; ++i) {
    const int64_t start_ns = MonotonicNs();
    int64_t next_ns = MonotonicNs();
    while (next_ns == start_ns) next_ns = MonotonicNs();
    tick_ns = std::min(tick_ns, next_ns - start_ns);
  }
  return {.name = "std::chrono::steady_clock",
          .tick_ns = tick_ns,
          .cost_ns = CostNs()};
}

std::string UtcNow() {
  return std::format("{:%FT%TZ}",
                     time::floor<time::seconds>(time::system_clock::now()));
}

}  // namespace batchsweep
