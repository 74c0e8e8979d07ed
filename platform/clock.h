// The clock of every time that batchsweep reports.
#ifndef BATCHSWEEP_PLATFORM_CLOCK_H_
#define BATCHSWEEP_PLATFORM_CLOCK_H_

#include <cstdint>
#include <string>

namespace batchsweep {

// Nanoseconds since an arbitrary moment. Never goes back, is not stepped by
// changes of the date, and costs tens of nanoseconds; ClockProperties tells
// how many here.
int64_t MonotonicNs();

// What to add to MonotonicNs() for the time since 1970 in UTC, as the system's
// clock has it now. The two drift apart, by up to 0.5 ms a second.
int64_t UnixOffsetNs();

struct ClockProperties {
  std::string name;     // "CLOCK_MONOTONIC_RAW"
  int64_t tick_ns = 0;  // smallest difference seen between two readings, >= 1
  double cost_ns = 0;   // median cost of one reading
};

// Measured when called; takes under a millisecond.
ClockProperties MeasureClock();

// The date and time as ISO 8601 in UTC, "2026-01-31T12:00:00Z". For labels
// only: it can jump.
std::string UtcNow();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_CLOCK_H_
