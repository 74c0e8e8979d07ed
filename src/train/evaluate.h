// What a network makes of examples that it does not train on.
#ifndef BATCHSWEEP_TRAIN_EVALUATE_H_
#define BATCHSWEEP_TRAIN_EVALUATE_H_

#include <cstdint>
#include <optional>

#include "data/dataset.h"
#include "graph/network.h"
#include "kernels/kernels.h"
#include "platform/error.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

struct Evaluation {
  double loss = 0.0;  // mean over the examples; NaN if a logit is not finite
  // Absent where the loss tells no classes apart.
  std::optional<double> accuracy;
};

// What the weights of a training are worth, and when.
struct Validation {
  int64_t epoch = 0;     // under way, from 1
  int64_t step = 0;      // made before, through all epochs
  int64_t examples = 0;  // trained on before, repeated ones counted again
  Evaluation scores;
  // On a fixed part of the training set; absent unless that was asked for.
  std::optional<double> subset_loss;
  int64_t time_ns = 0;  // that all of it took
};

// Runs the examples of `range` through the network in their order, `batch` at a
// time, loaded by `load_pool`. REQUIRES: range is not empty; batch is at most
// the network's largest.
Result<Evaluation> Evaluate(ExampleRange range, int64_t batch,
                            const Kernels& kernels, ThreadPool& load_pool,
                            Network& network);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_EVALUATE_H_
