#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "util/check.h"

namespace batchsweep {
namespace {

// Floats a thread takes at a time: 64 KiB of each array, enough to make up for
// handing them out. One thread takes all.
constexpr int64_t kTile = 16 * 1024;

// The options that some optimizers take and others do not.
struct Takes {
  bool momentum = false;
  bool nesterov = false;
  bool weight_decay = false;
};

// What its formula has.
struct Has {
  bool betas = false;
  bool epsilon = false;
};

struct Optimizer {
  OptimizerConfig defaults;  // Keras', under the optimizer's name
  Takes takes;
  Has has;
  int (*slots)(const OptimizerConfig& config);
  float (*step_size)(const OptimizerConfig& config, int64_t step);
  // A step for the weights of `tile`, by what step_size() said. Any cut into
  // tiles gives the same bits.
  void (*update)(const OptimizerConfig& config, float step_size,
                 const Kernels& kernels, const OptimizerTensors& tile);
};

int64_t SizeOf(const OptimizerTensors& tensors) {
  return static_cast<int64_t>(tensors.grads.size());
}

float LearningRate(const OptimizerConfig& config, int64_t /*step*/) {
  return config.learning_rate;
}

int AdamSlots(const OptimizerConfig&) { return 2; }

float AdamStepSize(const OptimizerConfig& config, int64_t step) {
  // In double: 1 - beta2^t loses all of a float's digits for small t.
  const double t = static_cast<double>(step);
  const double correction = std::sqrt(1.0 - std::pow(config.beta2, t)) /
                            (1.0 - std::pow(config.beta1, t));
  return static_cast<float>(config.learning_rate * correction);
}

void UpdateByAdam(const OptimizerConfig& config, float step_size,
                  const Kernels& kernels, const OptimizerTensors& tile) {
  kernels.adam_step({.step_size = step_size,
                     .one_minus_beta1 = static_cast<float>(1.0 - config.beta1),
                     .one_minus_beta2 = static_cast<float>(1.0 - config.beta2),
                     .epsilon = config.epsilon,
                     .decay = config.learning_rate * config.weight_decay},
                    tile.grads.data(), SizeOf(tile), tile.params.data(),
                    tile.slots[0].data(), tile.slots[1].data());
}

int SgdSlots(const OptimizerConfig& config) {
  return config.momentum == 0.0f ? 0 : 1;
}

void UpdateBySgd(const OptimizerConfig& config, float step_size,
                 const Kernels& kernels, const OptimizerTensors& tile) {
  kernels.sgd_step({.learning_rate = step_size,
                    .momentum = config.momentum,
                    .nesterov = config.nesterov},
                   tile.grads.data(), SizeOf(tile), tile.params.data(),
                   tile.slots[0].data());
}

// Its slots: the velocity, then the momentum and the gradient's mean, if it has
// them.
int RmsPropSlots(const OptimizerConfig& config) {
  return 1 + (config.momentum == 0.0f ? 0 : 1) + (config.centered ? 1 : 0);
}

void UpdateByRmsProp(const OptimizerConfig& config, float step_size,
                     const Kernels& kernels, const OptimizerTensors& tile) {
  const bool with_momentum = config.momentum != 0.0f;
  float* const momentum = with_momentum ? tile.slots[1].data() : nullptr;
  float* const mean =
      config.centered ? tile.slots[with_momentum ? 2 : 1].data() : nullptr;
  kernels.rmsprop_step({.learning_rate = step_size,
                        .one_minus_rho = 1.0f - config.rho,
                        .momentum = config.momentum,
                        .epsilon = config.epsilon},
                       tile.grads.data(), SizeOf(tile), tile.params.data(),
                       tile.slots[0].data(), momentum, mean);
}

constexpr Optimizer kOptimizers[] = {
    {.defaults = {.name = "adam"},
     .takes = {},
     .has = {.betas = true, .epsilon = true},
     .slots = AdamSlots,
     .step_size = AdamStepSize,
     .update = UpdateByAdam},
    {.defaults = {.name = "adamw", .weight_decay = 4e-3f},
     .takes = {.weight_decay = true},
     .has = {.betas = true, .epsilon = true},
     .slots = AdamSlots,
     .step_size = AdamStepSize,
     .update = UpdateByAdam},
    {.defaults = {.name = "sgd", .learning_rate = 1e-2f},
     .takes = {.momentum = true, .nesterov = true},
     .has = {},
     .slots = SgdSlots,
     .step_size = LearningRate,
     .update = UpdateBySgd},
    {.defaults = {.name = "rmsprop"},
     .takes = {.momentum = true},
     .has = {.epsilon = true},
     .slots = RmsPropSlots,
     .step_size = LearningRate,
     .update = UpdateByRmsProp},
};

static_assert(std::ranges::all_of(kOptimizers, [](const Optimizer& optimizer) {
  return optimizer.slots != nullptr && optimizer.step_size != nullptr &&
         optimizer.update != nullptr;
}));

const Optimizer* Find(std::string_view name) {
  for (const Optimizer& optimizer : kOptimizers) {
    if (optimizer.defaults.name == name) return &optimizer;
  }
  return nullptr;
}

const Optimizer& OptimizerOf(const OptimizerConfig& config) {
  const Optimizer* const found = Find(config.name);
  CHECK(found != nullptr);
  return *found;
}

// "adam, adamw or sgd": the names of those that `wanted` holds for.
template <class Wanted>
std::string NamesWhere(const Wanted& wanted) {
  std::vector<std::string_view> names;
  for (const Optimizer& optimizer : kOptimizers) {
    if (wanted(optimizer)) names.push_back(optimizer.defaults.name);
  }
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

Status CheckTakes(const Optimizer& optimizer, const OptimizerOptions& options) {
  const struct {
    const char* flag;
    bool given;
    bool Takes::* taken;
  } checks[] = {{"--momentum", options.momentum.has_value(), &Takes::momentum},
                {"--nesterov", options.nesterov, &Takes::nesterov},
                {"--weight-decay", options.weight_decay.has_value(),
                 &Takes::weight_decay}};
  for (const auto& check : checks) {
    if (!check.given || optimizer.takes.*check.taken) continue;
    return Fail("{} goes with --optimizer {}, not {}", check.flag,
                NamesWhere([&](const Optimizer& other) {
                  return other.takes.*check.taken;
                }),
                optimizer.defaults.name);
  }
  if (options.nesterov && options.momentum.value_or(0.0f) == 0.0f) {
    return Fail("--nesterov needs --momentum, 0.9 for example");
  }
  return {};
}

// The weights from `first` on whose gradients are `grads`.
OptimizerTensors TileOf(const OptimizerTensors& tensors, size_t first,
                        std::span<const float> grads) {
  const size_t count = grads.size();
  OptimizerTensors tile = {.params = tensors.params.subspan(first, count),
                           .grads = grads};
  for (size_t slot = 0; slot < kMaxOptimizerSlots; ++slot) {
    if (tensors.slots[slot].empty()) break;
    tile.slots[slot] = tensors.slots[slot].subspan(first, count);
  }
  return tile;
}

}  // namespace

std::vector<std::string> OptimizerNames() {
  std::vector<std::string> names;
  for (const Optimizer& optimizer : kOptimizers) {
    names.emplace_back(optimizer.defaults.name);
  }
  return names;
}

Result<OptimizerConfig> MakeOptimizer(std::string_view name,
                                      const OptimizerOptions& options) {
  const Optimizer* const optimizer = Find(name);
  if (optimizer == nullptr) {
    return Fail("no optimizer \"{}\"; choose {}", name,
                NamesWhere([](const Optimizer&) { return true; }));
  }
  RETURN_IF_ERROR(CheckTakes(*optimizer, options));
  OptimizerConfig config = optimizer->defaults;
  config.learning_rate = options.learning_rate.value_or(config.learning_rate);
  config.momentum = options.momentum.value_or(config.momentum);
  config.nesterov = options.nesterov;
  config.weight_decay = options.weight_decay.value_or(config.weight_decay);
  return config;
}

bool HasBetas(const OptimizerConfig& config) {
  return OptimizerOf(config).has.betas;
}

bool HasEpsilon(const OptimizerConfig& config) {
  return OptimizerOf(config).has.epsilon;
}

std::string OptimizersWithBetas() {
  return NamesWhere(
      [](const Optimizer& optimizer) { return optimizer.has.betas; });
}

int OptimizerSlots(const OptimizerConfig& config) {
  return OptimizerOf(config).slots(config);
}

float StepSize(const OptimizerConfig& config, int64_t step) {
  return OptimizerOf(config).step_size(config, step);
}

void FusedUpdate::Apply(std::span<float> weights,
                        std::span<const float> grads) const {
  const auto first =
      static_cast<size_t>(weights.data() - tensors_.params.data());
  OptimizerOf(config_).update(config_, step_size_, kernels_,
                              TileOf(tensors_, first, grads));
}

void OptimizerStep(const OptimizerConfig& config, int64_t step,
                   const Kernels& kernels, ThreadPool& pool,
                   const OptimizerTensors& tensors) {
  const Optimizer& optimizer = OptimizerOf(config);
  const float step_size = optimizer.step_size(config, step);
  const int64_t count = SizeOf(tensors);
  pool.ParallelFor(count, pool.threads() == 1 ? count : kTile,
                   [&](int64_t begin, int64_t size) {
                     const auto first = static_cast<size_t>(begin);
                     const auto grads = tensors.grads.subspan(
                         first, static_cast<size_t>(size));
                     optimizer.update(config, step_size, kernels,
                                      TileOf(tensors, first, grads));
                   });
}

}  // namespace batchsweep
