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

#include "graph/weight_update.h"
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
  // Adam, AdamW: decay of the gradient's mean, and of its square's. Keras'
  // defaults as float32 holds them; doubles, since 1 - beta2 of a beta2 that a
  // rule brings closer to 1 has few of a float's digits.
  double beta1 = 0.9f;
  double beta2 = 0.999f;
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

// Whether its formula has beta1 and beta2, and whether it has epsilon.
bool HasBetas(const OptimizerConfig& config);
bool HasEpsilon(const OptimizerConfig& config);
// "adam or adamw".
std::string OptimizersWithBetas();

// A value of each array for every weight. Of the last weights there may be no
// gradient: those are updated by a FusedUpdate.
inline constexpr size_t kMaxOptimizerSlots = 3;
struct OptimizerTensors {
  std::span<float> params;
  std::span<const float> grads;  // not longer than the others
  // The optimizer's state; empty behind the OptimizerSlots() that it has.
  std::array<std::span<float>, kMaxOptimizerSlots> slots = {};
};

// The slots that it needs: Adam's m and v, SGD's velocity if it has momentum.
// REQUIRES, as all that takes a config: its name is one of OptimizerNames().
int OptimizerSlots(const OptimizerConfig& config);

// The factor of the change of all weights in step `step`, from 1: the learning
// rate, which Adam corrects for its means' start at zero.
float StepSize(const OptimizerConfig& config, int64_t step);

// Step `step` for weights whose gradients come in pieces while the backward
// phase runs. It gives the bits of an OptimizerStep(). What it is made from
// outlives it; the gradients of `tensors` are not used.
class FusedUpdate final : public WeightUpdate {
 public:
  FusedUpdate(const OptimizerConfig& config, int64_t step,
              const Kernels& kernels, const OptimizerTensors& tensors)
      : config_(config),
        step_size_(StepSize(config, step)),
        kernels_(kernels),
        tensors_(tensors) {}

  void Apply(std::span<float> weights,
             std::span<const float> grads) const override;

 private:
  const OptimizerConfig& config_;
  const float step_size_;
  const Kernels& kernels_;
  const OptimizerTensors tensors_;
};

// Updates the weights from their gradients, as step `step`, from 1. The result
// does not depend on the number of threads. REQUIRES: OptimizerSlots() slots,
// which were zero before the first step.
void OptimizerStep(const OptimizerConfig& config, int64_t step,
                   const Kernels& kernels, ThreadPool& pool,
                   const OptimizerTensors& tensors);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_OPTIMIZER_H_
