#include "train/optimizer.h"

#include <cmath>

namespace batchsweep {
namespace {

// Floats a thread takes at a time: 64 KiB of each array, enough to make up for
// handing them out. One thread takes all.
constexpr int64_t kTile = 16 * 1024;

AdamCoefficients CoefficientsOf(const OptimizerConfig& config, int64_t step) {
  // In double: 1 - beta2^t loses all of a float's digits for small t.
  const double t = static_cast<double>(step);
  const double beta1 = config.beta1, beta2 = config.beta2;
  const double correction =
      std::sqrt(1.0 - std::pow(beta2, t)) / (1.0 - std::pow(beta1, t));
  return {.step_size = static_cast<float>(config.learning_rate * correction),
          .one_minus_beta1 = 1.0f - config.beta1,
          .one_minus_beta2 = 1.0f - config.beta2,
          .epsilon = config.epsilon,
          .decay = config.learning_rate * config.weight_decay};
}

}  // namespace

Result<OptimizerConfig> DefaultOptimizer(std::string_view name) {
  using Kind = OptimizerConfig::Kind;
  if (name == "sgd") {
    return OptimizerConfig{.kind = Kind::kSgd, .learning_rate = 1e-2f};
  }
  if (name == "adam") return OptimizerConfig{.kind = Kind::kAdam};
  if (name == "adamw") {
    return OptimizerConfig{.kind = Kind::kAdamW, .weight_decay = 4e-3f};
  }
  return Fail("no optimizer \"{}\"; there are sgd, adam and adamw", name);
}

std::string_view OptimizerName(OptimizerConfig::Kind kind) {
  switch (kind) {
    case OptimizerConfig::Kind::kSgd:
      return "sgd";
    case OptimizerConfig::Kind::kAdam:
      return "adam";
    case OptimizerConfig::Kind::kAdamW:
      return "adamw";
  }
  return "unknown";
}

int OptimizerSlots(const OptimizerConfig& config) {
  if (config.kind != OptimizerConfig::Kind::kSgd) return 2;
  return config.momentum == 0.0f ? 0 : 1;
}

void OptimizerStep(const OptimizerConfig& config, int64_t step,
                   const Kernels& kernels, ThreadPool& pool,
                   const OptimizerTensors& tensors) {
  float* const params = tensors.params.data();
  const float* const grads = tensors.grads.data();
  const auto count = static_cast<int64_t>(tensors.params.size());
  float* const first = tensors.slots[0].data();
  float* const second = tensors.slots[1].data();
  const int64_t tile = pool.threads() == 1 ? count : kTile;

  if (config.kind == OptimizerConfig::Kind::kSgd) {
    const SgdCoefficients sgd{.learning_rate = config.learning_rate,
                              .momentum = config.momentum,
                              .nesterov = config.nesterov};
    pool.ParallelFor(count, tile, [&](int64_t begin, int64_t size) {
      kernels.sgd_step(sgd, grads + begin, size, params + begin,
                       first == nullptr ? nullptr : first + begin);
    });
    return;
  }
  const AdamCoefficients adam = CoefficientsOf(config, step);
  pool.ParallelFor(count, tile, [&](int64_t begin, int64_t size) {
    kernels.adam_step(adam, grads + begin, size, params + begin, first + begin,
                      second + begin);
  });
}

}  // namespace batchsweep
