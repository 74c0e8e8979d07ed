// Optimizers over flat arrays, by Keras' formulas and defaults.
#ifndef BATCHSWEEP_TRAIN_OPTIMIZER_H_
#define BATCHSWEEP_TRAIN_OPTIMIZER_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/kernels.h"
#include "platform/error.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

struct OptimizerConfig {
  enum class Kind { kSgd, kAdam, kAdamW };
  Kind kind = Kind::kAdam;
  float learning_rate = 1e-3f;
  float momentum = 0.0f;  // SGD
  bool nesterov = false;  // SGD; needs momentum
  float beta1 = 0.9f;     // Adam, AdamW: decay of the gradient's mean
  float beta2 = 0.999f;   // and of its square's
  float epsilon = 1e-7f;
  float weight_decay = 0.0f;  // AdamW, decoupled; times the learning rate
};

// Keras' defaults for "sgd", "adam" or "adamw"; an error for anything else.
Result<OptimizerConfig> DefaultOptimizer(std::string_view name);
std::string_view OptimizerName(OptimizerConfig::Kind kind);

// State tensors of the size of all weights: Adam's m and v, SGD's velocity.
int OptimizerSlots(const OptimizerConfig& config);

inline constexpr size_t kMaxOptimizerSlots = 2;

// Arrays of one length: a value of each for every weight.
struct OptimizerTensors {
  std::span<float> params;
  std::span<const float> grads;
  std::array<std::span<float>, kMaxOptimizerSlots> slots = {};  // as many as
                                                                // it has
};

// Updates the weights from their gradients, as step `step`, from 1. The result
// does not depend on the number of threads. REQUIRES: OptimizerSlots() slots.
void OptimizerStep(const OptimizerConfig& config, int64_t step,
                   const Kernels& kernels, ThreadPool& pool,
                   const OptimizerTensors& tensors);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_OPTIMIZER_H_
