// What decides how a cell trains, beside its network and data.
#ifndef BATCHSWEEP_TRAIN_TRAIN_CONFIG_H_
#define BATCHSWEEP_TRAIN_TRAIN_CONFIG_H_

#include <cstdint>
#include <optional>

#include "graph/gradient_norms.h"
#include "train/budget.h"
#include "train/evaluation_interval.h"
#include "train/optimizer.h"

namespace batchsweep {

struct TrainConfig {
  int64_t batch_size = 32;
  uint64_t seed = 1;  // of the order of the examples
  Budget budget;
  EvaluationInterval evaluate_every;  // within epochs
  // So many examples of the training set, its first, are evaluated as well; all
  // if it has fewer.
  std::optional<int64_t> subset_examples;
  bool shuffle = true;
  NoiseScope noise_scope = NoiseScope::kNone;
  OptimizerConfig optimizer;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_TRAIN_CONFIG_H_
