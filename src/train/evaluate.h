// Examples into the network, and what the network makes of them.
#ifndef BATCHSWEEP_TRAIN_EVALUATE_H_
#define BATCHSWEEP_TRAIN_EVALUATE_H_

#include <cstdint>
#include <optional>
#include <span>

#include "data/dataset.h"
#include "graph/network.h"
#include "kernels/kernels.h"
#include "platform/error.h"

namespace batchsweep {

// Copies the inputs of `rows`, pixels scaled to 0 .. 1, into the network, and
// what its loss learns from: labels; or targets, made from labels as one-hot
// rows where the dataset has no targets, and from the inputs themselves where
// it has no labels either. REQUIRES: rows.size() == network.batch().
void LoadBatch(const Dataset& dataset, std::span<const uint32_t> rows,
               const Kernels& kernels, Network& network);

struct Evaluation {
  double loss = 0.0;  // mean over the examples; NaN if a logit is not finite
  std::optional<double> accuracy;  // absent for mean squared error
};

// Runs the examples of `range` through the network in their order, `batch` at a
// time. REQUIRES: range is not empty; batch is at most the network's largest.
Result<Evaluation> Evaluate(ExampleRange range, int64_t batch,
                            const Kernels& kernels, Network& network);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_EVALUATE_H_
