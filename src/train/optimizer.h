// Optimizers over flat arrays, by Keras' formulas and defaults.
#ifndef BATCHSWEEP_TRAIN_OPTIMIZER_H_
#define BATCHSWEEP_TRAIN_OPTIMIZER_H_

#include <cstdint>
#include <string_view>

#include "graph/network.h"
#include "platform/error.h"

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

// Updates the network's weights from its gradients, as step `step`, from 1.
// The result does not depend on the number of threads.
void OptimizerStep(const OptimizerConfig& config, int64_t step,
                   ComputeContext context, Network& network);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_OPTIMIZER_H_
