#include "measure/readings.h"

#include <algorithm>
#include <utility>

#include "util/check.h"

namespace batchsweep {

void Readings::Add(const Reading& reading) {
  const std::optional<double> watts_before =
      std::exchange(last_watts_, reading.sensors.power_watts);
  if (!first_) {
    first_ = reading;
    first_events_ = reading.sensors.over_current_events;
    return;
  }
  const Reading& before =
      readings_.empty() ? *first_ : readings_.back().reading;
  CHECK(reading.time_ns >= before.time_ns);
  Covered covered = {.begin_ns = before.time_ns,
                     .end_ns = reading.time_ns,
                     .reading = reading,
                     .flags = FlagsOf(before, reading)};
  // A counter of energy gives the mean by itself; between two readings of a
  // power the trapezoid does.
  auto& watts = covered.reading.sensors.power_watts;
  if (sources_.energy_grade != EnergyGrade::kPackageCounter && watts) {
    watts = watts_before ? std::optional((*watts_before + *watts) / 2)
                         : std::nullopt;
  }
  readings_.push_back(covered);
}

void Readings::Add(std::span<const Reading> readings) {
  // Once: growing step by step would take up to three times as much.
  readings_.reserve(readings_.size() + readings.size());
  for (const Reading& reading : readings) Add(reading);
}

StepFlags Readings::FlagsOf(const Reading& before,
                            const Reading& reading) const {
  StepFlags flags;
  if (reading.sensors.throttled.value_or(false)) {
    flags.Add(StepFlag::kThrottled);
  }
  if (sources_.max_freq_hz && reading.sensors.cpu_freq_hz &&
      *reading.sensors.cpu_freq_hz <
          kSlowClockFraction * *sources_.max_freq_hz) {
    flags.Add(StepFlag::kSlowClock);
  }
  if (reading.memory.swap_bytes.value_or(0) >
      before.memory.swap_bytes.value_or(0)) {
    flags.Add(StepFlag::kSwap);
  }
  if (reading.usage.major_faults.value_or(0) >
      before.usage.major_faults.value_or(0)) {
    flags.Add(StepFlag::kMajorFault);
  }
  if (Loaded(reading)) flags.Add(StepFlag::kLoad);
  return flags;
}

// By the latest reading that is a window away, or the first of all if none is:
// then it is too early to tell.
bool Readings::Loaded(const Reading& reading) const {
  const Reading* begin = nullptr;
  const auto consider = [&](const Reading& earlier) {
    if (reading.time_ns - earlier.time_ns >= kLoadWindowNs) begin = &earlier;
  };
  consider(*first_);
  for (const Covered& covered : readings_) consider(covered.reading);
  if (begin == nullptr || !reading.machine_busy_ns || !begin->machine_busy_ns) {
    return false;
  }
  const int64_t others_ns =
      (*reading.machine_busy_ns - *begin->machine_busy_ns) -
      (reading.usage.cpu_time_ns - begin->usage.cpu_time_ns);
  return static_cast<double>(others_ns) >
         kLoadCores * static_cast<double>(reading.time_ns - begin->time_ns);
}

StepReading Readings::During(int64_t start_ns, int64_t time_ns) const {
  const int64_t end_ns = start_ns + time_ns;
  // A step on the border of two belongs to both.
  auto covered =
      std::ranges::lower_bound(readings_, start_ns, {}, &Covered::end_ns);
  if (covered == readings_.end() || readings_.front().begin_ns > start_ns ||
      readings_.back().end_ns < end_ns) {
    return {};
  }
  StepReading step;
  auto merge = BoardState::Merge();
  for (; covered != readings_.end() && covered->begin_ns <= end_ns; ++covered) {
    merge.Add(covered->reading, std::min(end_ns, covered->end_ns) -
                                    std::max(start_ns, covered->begin_ns));
    step.flags.Add(covered->flags);
  }
  merge.WriteTo(step.board);
  if (step.board.power_watts) {
    step.board.energy_joules =
        *step.board.power_watts * static_cast<double>(time_ns) * 1e-9;
  }
  return step;
}

std::optional<double> Readings::EnergyJoules(int64_t begin_ns,
                                             int64_t end_ns) const {
  if (readings_.empty() || readings_.front().begin_ns > begin_ns ||
      readings_.back().end_ns < end_ns) {
    return std::nullopt;
  }
  double joules = 0.0;
  for (const Covered& covered : readings_) {
    const int64_t shared_ns =
        std::min(end_ns, covered.end_ns) - std::max(begin_ns, covered.begin_ns);
    if (shared_ns <= 0) continue;
    const auto& watts = covered.reading.sensors.power_watts;
    if (!watts) return std::nullopt;
    joules += *watts * static_cast<double>(shared_ns) * 1e-9;
  }
  return joules;
}

std::optional<int64_t> Readings::OverCurrentEvents() const {
  if (readings_.empty()) return std::nullopt;
  const auto last = readings_.back().reading.sensors.over_current_events;
  return first_events_ && last ? std::optional(*last - *first_events_)
                               : std::nullopt;
}

void Readings::Forget(int64_t time_ns) {
  const auto keep =
      std::ranges::find_if(readings_, [&](const Covered& covered) {
        return covered.end_ns >= time_ns - 2 * kLoadWindowNs;
      });
  if (keep == readings_.begin()) return;
  first_ = std::prev(keep)->reading;
  readings_.erase(readings_.begin(), keep);
}

}  // namespace batchsweep
