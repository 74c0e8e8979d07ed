#include "platform/clock.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <format>

namespace batchsweep {
namespace {

int64_t Read(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

double CostNs(clockid_t id) {
  constexpr int kReadings = 200;
  std::array<int64_t, 9> blocks;
  for (int64_t& block : blocks) {
    const int64_t start = Read(id);
    for (int i = 0; i < kReadings; ++i) Read(id);
    block = Read(id) - start;
  }
  std::ranges::sort(blocks);
  return static_cast<double>(blocks[blocks.size() / 2]) / kReadings;
}

// CLOCK_MONOTONIC_RAW is free of NTP's slewing, but a system call on older
// kernels: there its cost would show in a 20 us step.
clockid_t ChooseClock() {
#ifdef CLOCK_MONOTONIC_RAW
  constexpr double kVdsoCostNs = 1000;
  if (CostNs(CLOCK_MONOTONIC_RAW) < kVdsoCostNs) return CLOCK_MONOTONIC_RAW;
#endif
  return CLOCK_MONOTONIC;
}

clockid_t ChosenClock() {
  static const clockid_t id = ChooseClock();
  return id;
}

}  // namespace

int64_t MonotonicNs() { return Read(ChosenClock()); }

int64_t UnixOffsetNs() { return Read(CLOCK_REALTIME) - MonotonicNs(); }

ClockProperties MeasureClock() {
  const clockid_t id = ChosenClock();
  int64_t tick_ns = INT64_MAX;
  for (int i = 0; i < 200; ++i) {
    const int64_t start = Read(id);
    int64_t next = Read(id);
    while (next == start) next = Read(id);
    tick_ns = std::min(tick_ns, next - start);
  }
  return {
      .name = id == CLOCK_MONOTONIC ? "CLOCK_MONOTONIC" : "CLOCK_MONOTONIC_RAW",
      .tick_ns = tick_ns,
      .cost_ns = CostNs(id)};
}

std::string UtcNow() {
  const time_t now = time(nullptr);
  tm utc;
  gmtime_r(&now, &utc);
  return std::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec);
}

}  // namespace batchsweep
