// What the cells of one number of threads tell: which batch size reaches the
// target first, at which energy, and what memory and examples cost.
#ifndef BATCHSWEEP_RECORD_THREADS_ADVICE_H_
#define BATCHSWEEP_RECORD_THREADS_ADVICE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "record/advice_cells.h"
#include "record/cost_comparison.h"
#include "record/time_to_target.h"
#include "util/fields.h"

namespace batchsweep {

// Why the time of a batch size to the target is not compared.
enum class NotComparedReason {
  kDiverged,
  kDisturbed,          // each of its cells
  kNotReached,         // the target, with at least one of its seeds
  kByFirstEvaluation,  // before anything was known of it
  kTooFewSeeds,        // that others have too
};
constexpr const char* NameOf(NotComparedReason reason) {
  switch (reason) {
    case NotComparedReason::kDiverged:
      return "diverged";
    case NotComparedReason::kDisturbed:
      return "disturbed";
    case NotComparedReason::kNotReached:
      return "not_reached";
    case NotComparedReason::kByFirstEvaluation:
      return "by_first_evaluation";
    case NotComparedReason::kTooFewSeeds:
      return "too_few_seeds";
  }
  return nullptr;
}

struct NotCompared {
  int64_t batch_size = 0;
  NotComparedReason reason = NotComparedReason::kDiverged;
  int64_t seeds = 0;  // trained and not disturbed
  int64_t reached_seeds = 0;

  static constexpr auto Fields() {
    using N = NotCompared;
    return FieldList<&N::batch_size, &N::reason, &N::seeds,
                     &N::reached_seeds>();
  }
};

// Fewer readings of power than this tell no energy [MLPerf Training's power
// rules].
inline constexpr double kLeastPowerReadings = 60;

struct ExampleTime {
  int64_t batch_size = 0;
  double value = 0.0;  // of the median step, geometric mean over cells

  static constexpr auto Fields() {
    return FieldList<&ExampleTime::batch_size, &ExampleTime::value>();
  }
};

// Batch sizes are compared among cells of the same number of threads.
struct ThreadsAdvice {
  int threads = 1;
  int64_t seeds = 0;                  // that all compared batch sizes have
  std::vector<uint64_t> other_seeds;  // that only some of them have
  std::optional<int64_t> fastest;     // absent with fewer than two seeds
  // By batch size. Energy: none unless at least kLeastPowerReadings readings
  // cover each training until its target.
  std::vector<BatchCost> time_to_target_seconds;
  std::vector<BatchCost> energy_to_target_joules;
  std::vector<NotCompared> not_compared;
  // Those of which the median peak of a process is within 1 % of the least.
  std::vector<int64_t> least_memory;
  std::optional<int64_t> least_memory_bytes;
  std::vector<ExampleTime> example_time_ns;
  // The least batch size of which no larger one saves a tenth of the time per
  // example.
  std::optional<int64_t> levels_off_at;

  static constexpr auto Fields() {
    using T = ThreadsAdvice;
    return FieldList<&T::threads, &T::seeds, &T::other_seeds, &T::fastest,
                     &T::time_to_target_seconds, &T::energy_to_target_joules,
                     &T::not_compared, &T::least_memory, &T::least_memory_bytes,
                     &T::example_time_ns, &T::levels_off_at>();
  }
};

// The undisturbed cells of each batch size.
using BatchCells = std::map<int64_t, std::vector<const TrainedCell*>>;

// Without a target nothing is said of it. `sample_hz` is of power.
ThreadsAdvice AdviseThreads(int threads, const BatchCells& batches,
                            const std::optional<AdviceTarget>& target,
                            double sample_hz);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_THREADS_ADVICE_H_
