// Optimizers over flat arrays, by Keras' formulas and defaults.
//
// All of them are one table in optimizer.cc: an entry has the optimizer's name
// and Keras' defaults, the options that it takes, its slots, and its step,
// which is a kernel of kernels/optimizer.h.
#ifndef BATCHSWEEP_TRAIN_OPTIMIZER_H_
#define BATCHSWEEP_TRAIN_OPTIMIZER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernels.h"
#include "platform/error.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// An optimizer and all that its formula has. MakeOptimizer() makes one.
struct OptimizerConfig {
  std::string_view name = "adam";  // one of OptimizerNames()
  float learning_rate = 1e-3f;
  float momentum = 0.0f;  // SGD, RMSprop
  bool nesterov = false;  // SGD; needs momentum
  float beta1 = 0.9f;     // Adam, AdamW: decay of the gradient's mean
  float beta2 = 0.999f;   // and of its square's
  float rho = 0.9f;       // RMSprop: decay of the mean of the gradient's square
  bool centered = false;  // RMSprop: by the variance, not the mean of squares
  float epsilon = 1e-7f;
  float weight_decay = 0.0f;  // AdamW, decoupled; times the learning rate
};

// What a user asks of an optimizer; absent: Keras' default for it.
struct OptimizerOptions {
  std::optional<float> learning_rate;
  std::optional<float> momentum;
  bool nesterov = false;
  std::optional<float> weight_decay;
};

// In the order in which they are shown: "adam", ...
std::vector<std::string> OptimizerNames();

// The optimizer of that name with Keras' defaults for all that the options
// leave open. An error names the optimizers there are if `name` is none, and
// those that take an option which this one does not.
Result<OptimizerConfig> MakeOptimizer(std::string_view name,
                                      const OptimizerOptions& options = {});

// Arrays of one length: a value of each for every weight.
inline constexpr size_t kMaxOptimizerSlots = 3;
struct OptimizerTensors {
  std::span<float> params;
  std::span<const float> grads;
  // The optimizer's state; empty behind the OptimizerSlots() that it has.
  std::array<std::span<float>, kMaxOptimizerSlots> slots = {};
};

// The slots that it needs: Adam's m and v, SGD's velocity if it has momentum.
// REQUIRES, here and below: config.name is one of OptimizerNames().
int OptimizerSlots(const OptimizerConfig& config);

// Updates the weights from their gradients, as step `step`, from 1. The result
// does not depend on the number of threads. REQUIRES: OptimizerSlots() slots,
// which were zero before the first step.
void OptimizerStep(const OptimizerConfig& config, int64_t step,
                   const Kernels& kernels, ThreadPool& pool,
                   const OptimizerTensors& tensors);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_OPTIMIZER_H_
