// PhaseClock: the times of a step's phases, and what the CPU counted in them.
#ifndef BATCHSWEEP_MEASURE_PHASE_CLOCK_H_
#define BATCHSWEEP_MEASURE_PHASE_CLOCK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "measure/phase_counts.h"
#include "platform/clock.h"
#include "platform/counters.h"

namespace batchsweep {

// Of a training step, in their order.
enum class Phase { kLoad, kForward, kBackward, kUpdate };
inline constexpr auto kPhases =
    std::to_array<const char*>({"load", "forward", "backward", "update"});

// One reading of the clock a phase. Counters are read too, if there are any,
// while the clock stands.
class PhaseClock {
 public:
  // `counters` may be null: then nothing is counted.
  explicit PhaseClock(const Counters* counters) : counters_(counters) {
    if (counters_ != nullptr) values_ = counters_->Read();
    start_ns_ = lap_ns_ = MonotonicNs();
  }

  int64_t start_ns() const { return start_ns_; }
  // Of the phases that ended; empty without counters.
  std::span<const PhaseCounts> counts() const {
    return std::span(counts_).first(counted_);
  }

  // Since the lap before, or the start.
  int64_t Lap() {
    const int64_t now_ns = MonotonicNs();
    const int64_t lap_ns = now_ns - lap_ns_;
    lap_ns_ = now_ns;
    if (counters_ != nullptr) Count(lap_ns);
    return lap_ns;
  }

 private:
  static std::optional<int64_t> Difference(std::optional<int64_t> later,
                                           std::optional<int64_t> earlier) {
    return later && earlier ? std::optional(*later - *earlier) : std::nullopt;
  }

  void Count(int64_t lap_ns) {
    const CounterValues now = counters_->Read();
    counts_[counted_] = {
        .phase = kPhases[counted_],
        .time_ns = lap_ns,
        .cycles = Difference(now.cycles, values_.cycles),
        .instructions = Difference(now.instructions, values_.instructions),
        .cache_misses = Difference(now.cache_misses, values_.cache_misses),
        .branch_misses = Difference(now.branch_misses, values_.branch_misses)};
    ++counted_;
    values_ = counters_->Read();
    lap_ns_ = MonotonicNs();
  }

  const Counters* counters_;
  CounterValues values_;
  int64_t start_ns_ = 0;
  int64_t lap_ns_ = 0;
  std::array<PhaseCounts, kPhases.size()> counts_;
  size_t counted_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_PHASE_CLOCK_H_
