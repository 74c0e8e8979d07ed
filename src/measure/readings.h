// What the sampler read, and which steps it concerns.
//
// A reading covers the time since the one before it. A step gets what the
// readings say that cover some of it: the highest temperature, the lowest
// frequency, throttled if any says so, the mean power by the time that each
// covers, memory of the last; and a flag if any of them was disturbed.
#ifndef BATCHSWEEP_MEASURE_READINGS_H_
#define BATCHSWEEP_MEASURE_READINGS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "platform/memory.h"
#include "platform/process.h"
#include "platform/sensors.h"
#include "record/records.h"

namespace batchsweep {

struct Reading {
  int64_t time_ns = 0;  // by MonotonicNs(), when all of it had been read
  SensorReading sensors;
  ProcessMemory memory;
  ProcessUsage usage;
  std::optional<int64_t> machine_busy_ns;  // see MachineBusyNs()
};

// What disturbs a step, beside a throttle bit, swapping and major faults.
inline constexpr double kSlowClockFraction = 0.95;  // of the highest frequency
inline constexpr double kLoadCores = 0.1;           // used by others, over ...
inline constexpr int64_t kLoadWindowNs = 500'000'000;  // ... this long: the
                                                       // kernel counts in
                                                       // steps of 10 ms

class Readings {
 public:
  explicit Readings(const SensorSources& sources) : sources_(sources) {}

  // REQUIRES: later than all before.
  void Add(const Reading& reading);

  // Fills the columns of `record` that come from readings, for a step from
  // `start_ns`. Leaves them as they are if no reading covers it.
  void Apply(int64_t start_ns, StepRecord& record) const;

  // What was drawn between two moments; absent unless readings cover all of it
  // and each has a power.
  std::optional<double> EnergyJoules(int64_t begin_ns, int64_t end_ns) const;

  // Counted from the first reading to the latest; absent where the board does
  // not count.
  std::optional<int64_t> OverCurrentEvents() const;

  // Drops readings that concern no step from `time_ns` on.
  void Forget(int64_t time_ns);

 private:
  struct Covered {  // a reading, and the time that it covers
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    Reading reading;
    std::optional<double> power_watts;  // mean of that time
    StepFlags flags;
  };

  StepFlags FlagsOf(const Reading& before, const Reading& reading) const;
  bool Loaded(const Reading& reading) const;

  const SensorSources sources_;
  std::optional<Reading> first_;         // covers nothing
  std::optional<int64_t> first_events_;  // of over-current
  std::vector<Covered> readings_;  // each begins where the one before ends
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_READINGS_H_
