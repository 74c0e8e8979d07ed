// The times of a cell's steps, in bounded memory however many there are.
//
// Steps of the warm-up and on part of a batch are counted and not kept, since
// statistics leave them out. The others have numbers from 0.
// 1. Up to kKeptSteps of them are all kept. Of more, one of each window of
//    2^level consecutive steps is.
// 2. When one more would be kept than there is room for, the level grows by
//    one: of each two neighbours one goes, and half of the room is free.
// 3. Which one stays is drawn by a hash of the window, and nothing else: a run
//    gone on with keeps the same steps as one that was never interrupted, and
//    no rhythm of epochs or checkpoints can fall in with the choice.
// 4. Those kept stand in the order of time, evenly spread over all of it, so
//    that drift and blocks of neighbours are those of the whole run.
// Counts are exact. A quantile q of n kept steps is that of a share of all
// steps which lies within q +- 1.96 sqrt(q (1 - q) / n) in 95 of 100 cases,
// the error of a simple random sample; one from each window does no worse. At
// worst n is kKeptSteps / 2: half a percent of the steps for the median (0.0038
// of them), 0.0017 for the 5th and 95th percentile, 0.0008 for the 99th.
#ifndef BATCHSWEEP_MEASURE_STEP_HISTORY_H_
#define BATCHSWEEP_MEASURE_STEP_HISTORY_H_

#include <array>
#include <cstdint>
#include <vector>

#include "measure/step_flags.h"
#include "util/fields.h"

namespace batchsweep {

// Five bytes each. Ten epochs of Fashion-MNIST at a batch of 8, 68,750 steps,
// are kept whole.
inline constexpr int64_t kKeptSteps = 1 << 17;

struct StepCounts {
  int64_t all_steps = 0;        // with the warm-up and steps on part of a batch
  int64_t steps = 0;            // without them
  int64_t disturbed_steps = 0;  // of `steps`, see StepFlags::Disturbed()
  std::array<int64_t, kStepFlags> steps_by_flag = {};  // of `all_steps`

  bool operator==(const StepCounts&) const = default;
  static constexpr auto Fields() {
    using C = StepCounts;
    return FieldList<&C::all_steps, &C::steps, &C::disturbed_steps,
                     &C::steps_by_flag>();
  }
};

// The arrays are for reading; Add() fills them.
struct StepHistory {
  std::vector<float> times_ns;   // of the steps kept; seven digits of them
  std::vector<StepFlags> flags;  // an entry for each of these
  int64_t level = 0;             // each stands for 2^level steps
  StepCounts counts;

  // Takes the memory for so many steps, up to kKeptSteps.
  void Reserve(int64_t steps);

  void Add(float time_ns, StepFlags step_flags);

  // Whether calls of Add() can have led here; false of what was damaged on a
  // disk.
  bool IsConsistent() const;

  // But for the arrays, which a checkpoint keeps as tensors.
  static constexpr auto Fields() {
    using H = StepHistory;
    return FieldList<kLeftOut<&H::times_ns>, kLeftOut<&H::flags>, &H::level,
                     &H::counts>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_STEP_HISTORY_H_
