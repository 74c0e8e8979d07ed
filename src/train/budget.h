// When training ends.
#ifndef BATCHSWEEP_TRAIN_BUDGET_H_
#define BATCHSWEEP_TRAIN_BUDGET_H_

#include <cstdint>
#include <optional>

#include "train/training_position.h"

namespace batchsweep {

// Exactly one is given.
struct Budget {
  std::optional<int64_t> epochs;
  std::optional<int64_t> steps;
  std::optional<double> seconds;  // of step time
};

bool IsSpent(const Budget& budget, const TrainingPosition& position);

// How much of it is spent, 0 .. 1, where an epoch has `train_examples`.
double SpentFraction(const Budget& budget, const TrainingPosition& position,
                     int64_t train_examples);

// Steps that it pays for, where an epoch has `epoch_steps`; absent for seconds.
std::optional<int64_t> PlannedSteps(const Budget& budget, int64_t epoch_steps);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_BUDGET_H_
