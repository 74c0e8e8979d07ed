// What the sampler read, and which steps it concerns.
//
// A reading covers the time since the one before it. A step takes part in every
// reading that covers some of its time: BoardState says by which rule each
// column comes from these readings, and the step is flagged if any of them saw
// something that disturbs.
#ifndef BATCHSWEEP_MEASURE_READINGS_H_
#define BATCHSWEEP_MEASURE_READINGS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "measure/board_state.h"
#include "measure/reading.h"
#include "measure/step_flags.h"
#include "platform/sensors.h"

namespace batchsweep {

// What disturbs a step, beside a throttle bit, swapping and major faults.
inline constexpr double kSlowClockFraction = 0.95;  // of the highest frequency
inline constexpr double kLoadCores = 0.1;           // used by others, over ...
inline constexpr int64_t kLoadWindowNs = 500'000'000;  // ... this long: the
                                                       // kernel counts in
                                                       // steps of 10 ms

// What the readings say of one step.
struct StepReading {
  BoardState board;
  StepFlags flags;  // what disturbed it
};

class Readings {
 public:
  explicit Readings(const SensorSources& sources) : sources_(sources) {}

  // REQUIRES: later than all before; several in the order of time.
  void Add(const Reading& reading);
  void Add(std::span<const Reading> readings);

  // What is known of a step that began at `start_ns`, by MonotonicNs(), and
  // took `time_ns`. All is absent, and nothing flagged, unless readings cover
  // all of it.
  StepReading During(int64_t start_ns, int64_t time_ns) const;

  // What was drawn between two moments; absent unless readings cover all of it
  // and each has a power.
  std::optional<double> EnergyJoules(int64_t begin_ns, int64_t end_ns) const;

  // Counted from the first reading to the latest; absent where the board does
  // not count.
  std::optional<int64_t> OverCurrentEvents() const;

  // Drops readings that concern no step from `time_ns` on.
  void Forget(int64_t time_ns);

  // What a reading takes while it is kept here.
  static constexpr int64_t BytesEach() { return sizeof(Covered); }

 private:
  // A reading, and the time that it covers. Its power is the mean of that time.
  struct Covered {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    Reading reading;
    StepFlags flags;
  };

  StepFlags FlagsOf(const Reading& before, const Reading& reading) const;
  bool Loaded(const Reading& reading) const;

  const SensorSources sources_;
  std::optional<Reading> first_;         // covers nothing
  std::optional<int64_t> first_events_;  // of over-current
  std::vector<Covered> readings_;     // each begins where the one before ends
  std::optional<double> last_watts_;  // at the moment of the latest reading
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_READINGS_H_
