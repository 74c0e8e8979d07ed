#include "measure/reading_buffer.h"

#include <utility>

#include "measure/merge_rules.h"

namespace batchsweep {
namespace {

template <template <class> class Rule, class Value>
std::optional<Value> MergedBy(const std::optional<Value>& earlier,
                              int64_t earlier_ns,
                              const std::optional<Value>& later,
                              int64_t later_ns) {
  Rule<Value> rule;
  rule.Add(earlier, earlier_ns);
  rule.Add(later, later_ns);
  return rule.merged();
}

// One reading for the time of both; `earlier` covers what begins at `begin_ns`.
// The rules are those of BoardState, by which steps are told of readings.
Reading Merged(const Reading& earlier, const Reading& later, int64_t begin_ns) {
  const SensorReading& a = earlier.sensors;
  const SensorReading& b = later.sensors;
  const int64_t a_ns = earlier.time_ns - begin_ns;
  const int64_t b_ns = later.time_ns - earlier.time_ns;
  Reading merged = later;
  merged.sensors = {
      .cpu_temp_celsius =
          MergedBy<Highest>(a.cpu_temp_celsius, a_ns, b.cpu_temp_celsius, b_ns),
      .cpu_freq_hz = MergedBy<Lowest>(a.cpu_freq_hz, a_ns, b.cpu_freq_hz, b_ns),
      .throttled = MergedBy<AnyTrue>(a.throttled, a_ns, b.throttled, b_ns),
      .power_watts =
          MergedBy<TimeMean>(a.power_watts, a_ns, b.power_watts, b_ns),
      .over_current_events = b.over_current_events};
  return merged;
}

}  // namespace

void ReadingBuffer::Add(const Reading& reading) {
  if (readings_.size() == kMostReadings && in_last_ == readings_each_) Halve();
  if (readings_.size() > 1 && in_last_ < readings_each_) {
    const int64_t begin_ns = readings_[readings_.size() - 2].time_ns;
    readings_.back() = Merged(readings_.back(), reading, begin_ns);
    ++in_last_;
    return;
  }
  // All of it at once, of which what is not written to takes no memory: growing
  // would copy, on the thread that keeps time.
  if (readings_.empty()) readings_.reserve(kMostReadings);
  readings_.push_back(reading);
  in_last_ = 1;
}

void ReadingBuffer::Halve() {
  size_t kept = 1;
  size_t next = 1;
  for (; next + 1 < readings_.size(); next += 2) {
    readings_[kept] = Merged(readings_[next], readings_[next + 1],
                             readings_[kept - 1].time_ns);
    ++kept;
  }
  if (next < readings_.size()) {
    // Without a neighbour yet: those to come are.
    readings_[kept++] = readings_[next];
  } else {
    in_last_ *= 2;
  }
  readings_.resize(kept);
  readings_each_ *= 2;
}

std::vector<Reading> ReadingBuffer::Take() {
  readings_each_ = in_last_ = 1;
  return std::exchange(readings_, {});
}

}  // namespace batchsweep
