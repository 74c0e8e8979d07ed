// How an optimizer's settings follow the batch size B, from the batch B0 that
// they were made for, with k = B / B0.
#ifndef BATCHSWEEP_SWEEP_BATCH_RULES_H_
#define BATCHSWEEP_SWEEP_BATCH_RULES_H_

#include <cstdint>
#include <span>

#include "platform/error.h"
#include "train/optimizer.h"

namespace batchsweep {

// The learning rate: as given, times sqrt(k), or times k.
enum class LrRule { kNone, kSqrt, kLinear };
constexpr const char* NameOf(LrRule rule) {
  switch (rule) {
    case LrRule::kNone:
      return "none";
    case LrRule::kSqrt:
      return "sqrt";
    case LrRule::kLinear:
      return "linear";
  }
  return nullptr;
}

// What Adam remembers. With the same beta2 its second moment forgets half after
// as many steps whatever their size, so a larger batch remembers more examples.
//   none       betas and epsilon as given, as Keras does
//   half-life  beta2' = beta2^k: half is forgotten after as many examples
//              (Marek et al. 2025, arXiv 2507.07101)
//   sde        lr' = sqrt(k) lr, beta' = 1 - k (1 - beta) of both,
//              epsilon' = epsilon / sqrt(k); only while k (1 - beta1) < 1
//              (Malladi et al. 2022, arXiv 2205.10287)
enum class AdamRule { kNone, kHalfLife, kSde };
constexpr const char* NameOf(AdamRule rule) {
  switch (rule) {
    case AdamRule::kNone:
      return "none";
    case AdamRule::kHalfLife:
      return "half-life";
    case AdamRule::kSde:
      return "sde";
  }
  return nullptr;
}

struct BatchRules {
  LrRule lr = LrRule::kNone;
  AdamRule adam = AdamRule::kNone;
  int64_t reference_batch = 32;  // B0; Keras' default
};

float ScaledLearningRate(float learning_rate, const BatchRules& rules,
                         int64_t batch_size);

// The optimizer for that batch size. Betas are computed in double from the
// decimal numbers that were meant, 0.999 and not the float next to it. At the
// reference itself nothing changes, not a bit. REQUIRES: CheckRules().
OptimizerConfig ScaledOptimizer(const OptimizerConfig& optimizer,
                                const BatchRules& rules, int64_t batch_size);

// An error says which rule does not go with the optimizer, with another rule,
// or with a batch size, and the largest that it goes with.
Status CheckRules(const OptimizerConfig& optimizer, const BatchRules& rules,
                  std::span<const int64_t> batch_sizes);

// The shortest decimal number that the float of this value is read from, 0.999
// of 0.9990000129; a double that is no float's value comes back as it is.
double DecimalOf(double value);

// Examples after which the second moment has forgotten half of what it held:
// batch_size ln(1/2) / ln(beta2), 22,170 for 32 and 0.999.
double HalfLifeExamples(double beta2, int64_t batch_size);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_BATCH_RULES_H_
