// How often weights are evaluated within epochs.
#ifndef BATCHSWEEP_TRAIN_EVALUATION_INTERVAL_H_
#define BATCHSWEEP_TRAIN_EVALUATION_INTERVAL_H_

#include <cstdint>
#include <optional>

#include "train/training_position.h"

namespace batchsweep {

// Either is given; without both, weights are evaluated at ends of epochs alone.
// Steps are counted through all epochs, and seconds are of step time, so that
// evaluations come at round numbers wherever a training was interrupted.
struct EvaluationInterval {
  std::optional<int64_t> steps;
  std::optional<double> seconds;  // at least 0.001
};

// Whether the training passed one of the interval's multiples since its weights
// were last evaluated, at the end of an epoch or within it.
bool IsDue(const EvaluationInterval& interval,
           const TrainingPosition& position);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_EVALUATION_INTERVAL_H_
