// The training step: load, forward, loss, backward, update.
//
// All that trains does so through TrainStep(): epochs that are recorded, the
// soak before them, the choice of threads, and the comparison of overheads.
#ifndef BATCHSWEEP_TRAIN_STEP_H_
#define BATCHSWEEP_TRAIN_STEP_H_

#include <cstdint>
#include <span>

#include "data/dataset.h"
#include "graph/network.h"
#include "kernels/kernels.h"
#include "measure/phase_clock.h"
#include "train/load.h"
#include "train/optimizer.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// The threads of the phases that are not the network's: a copy of 8 examples is
// faster on one thread than handed out. Both outlive the struct.
struct StepPools {
  ThreadPool* load = nullptr;
  ThreadPool* update = nullptr;
};

// What a step works with. REQUIRES: the network is allocated, with the
// optimizer's slots.
struct StepContext {
  const Dataset& dataset;
  const OptimizerConfig& optimizer;
  const Kernels& kernels;
  StepPools pools;
  Network& network;
  GradientNorms* norms = nullptr;  // where to add them, if they are measured
};

// The weights, gradients and slots that an optimizer works on.
inline OptimizerTensors TrainedTensors(Network& network) {
  OptimizerTensors tensors = {.params = network.params(),
                              .grads = network.grads()};
  for (int slot = 0; slot < network.optimizer_slots(); ++slot) {
    tensors.slots[static_cast<size_t>(slot)] = network.optimizer_slot(slot);
  }
  return tensors;
}

// The step of the weights whose gradient is not stored.
inline FusedUpdate FusedUpdateOf(const StepContext& context, int64_t step) {
  return {context.optimizer, step, context.kernels,
          TrainedTensors(context.network)};
}

// New weights from the gradients that are stored, and the layers' packed copies
// of all weights.
inline void UpdateWeights(const StepContext& context, int64_t step) {
  OptimizerStep(context.optimizer, step, context.kernels, *context.pools.update,
                TrainedTensors(context.network));
  context.network.WeightsChanged();
}

struct NoLap {
  void operator()(Phase) const {}
};

// Trains on `rows` of the dataset, as step number `step` from 1, and scores
// what the network made of them before the update. lap(phase) is called at the
// end of each phase, in their order; the caller's clock starts before. Weights
// whose update is fused change in the backward phase. Norms are measured within
// the backward phase, and say how much of its time that took.
// Allocates nothing and touches no file. REQUIRES: rows.size() ==
// network.batch().
template <class Lap = NoLap>
BatchScore TrainStep(const StepContext& context, std::span<const uint32_t> rows,
                     int64_t step, const Lap& lap = {}) {
  Network& network = context.network;
  LoadBatch(context.dataset, rows, context.kernels, *context.pools.load,
            network);
  lap(Phase::kLoad);
  network.Forward({.training = true, .step = step - 1});
  const BatchScore score = network.ScoreOutputs();
  lap(Phase::kForward);
  network.BackwardAndUpdate(FusedUpdateOf(context, step), context.norms);
  lap(Phase::kBackward);
  UpdateWeights(context, step);
  lap(Phase::kUpdate);
  return score;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_STEP_H_
