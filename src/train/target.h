// What a training is to reach.
#ifndef BATCHSWEEP_TRAIN_TARGET_H_
#define BATCHSWEEP_TRAIN_TARGET_H_

#include <optional>

#include "train/evaluate.h"

namespace batchsweep {

// At most one is given; without any, nothing reaches it.
struct Target {
  std::optional<double> accuracy;  // of the validation, or more
  std::optional<double> loss;      // Validation::subset_loss, or less
};

bool IsReached(const Target& target, const Validation& validation);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_TARGET_H_
