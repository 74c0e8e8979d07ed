#include "sweep/batch_rules.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace batchsweep {
namespace {

// Without the last digit of a double, in which 1 - 4 (1 - 0.9) is not 0.6. What
// is recorded is what is used, so it may as well be short.
double Tidy(double beta) { return std::round(beta * 1e15) / 1e15; }

double RatioOf(const BatchRules& rules, int64_t batch_size) {
  return static_cast<double>(batch_size) /
         static_cast<double>(rules.reference_batch);
}

double SdeBeta(double beta, double ratio) {
  return Tidy(1.0 - ratio * (1.0 - DecimalOf(beta)));
}

// The largest for which the sde rule leaves a beta1 above 0.
int64_t LargestSdeBatch(const OptimizerConfig& optimizer,
                        int64_t reference_batch) {
  // Rounded up, but not for what the division itself may be off by.
  const double bound =
      static_cast<double>(reference_batch) / (1.0 - DecimalOf(optimizer.beta1));
  return static_cast<int64_t>(std::ceil(bound * (1.0 - 1e-12))) - 1;
}

}  // namespace

float ScaledLearningRate(float learning_rate, const BatchRules& rules,
                         int64_t batch_size) {
  const float ratio = static_cast<float>(batch_size) /
                      static_cast<float>(rules.reference_batch);
  switch (rules.lr) {
    case LrRule::kNone:
      return learning_rate;
    case LrRule::kSqrt:
      return learning_rate * std::sqrt(ratio);
    case LrRule::kLinear:
      return learning_rate * ratio;
  }
  std::unreachable();
}

OptimizerConfig ScaledOptimizer(const OptimizerConfig& optimizer,
                                const BatchRules& rules, int64_t batch_size) {
  OptimizerConfig scaled = optimizer;
  scaled.learning_rate =
      ScaledLearningRate(optimizer.learning_rate, rules, batch_size);
  if (batch_size == rules.reference_batch) return scaled;
  const double ratio = RatioOf(rules, batch_size);
  switch (rules.adam) {
    case AdamRule::kNone:
      break;
    case AdamRule::kHalfLife:
      scaled.beta2 = Tidy(std::pow(DecimalOf(optimizer.beta2), ratio));
      break;
    case AdamRule::kSde:
      scaled.learning_rate =
          static_cast<float>(optimizer.learning_rate * std::sqrt(ratio));
      scaled.beta1 = SdeBeta(optimizer.beta1, ratio);
      scaled.beta2 = SdeBeta(optimizer.beta2, ratio);
      scaled.epsilon = static_cast<float>(optimizer.epsilon / std::sqrt(ratio));
      break;
  }
  return scaled;
}

Status CheckRules(const OptimizerConfig& optimizer, const BatchRules& rules,
                  std::span<const int64_t> batch_sizes) {
  if (rules.adam == AdamRule::kNone) return {};
  if (!HasBetas(optimizer)) {
    return Fail("--adam-rule {} goes with --optimizer {}, not {}",
                NameOf(rules.adam), OptimizersWithBetas(), optimizer.name);
  }
  if (rules.adam != AdamRule::kSde) return {};
  if (rules.lr != LrRule::kNone) {
    return Fail(
        "--adam-rule sde sets the learning rate itself: expected --lr-rule "
        "none, found {}; leave one of the two out",
        NameOf(rules.lr));
  }
  const int64_t largest = LargestSdeBatch(optimizer, rules.reference_batch);
  for (const int64_t batch_size : batch_sizes) {
    if (batch_size <= largest) continue;
    return Fail(
        "--adam-rule sde: batch size {} is {:.4g} times --reference-batch {}, "
        "which leaves no beta1 above 0 of {}; the largest that works is {}; "
        "choose smaller ones, a larger --reference-batch or another rule",
        batch_size, RatioOf(rules, batch_size), rules.reference_batch,
        DecimalOf(optimizer.beta1), largest);
  }
  return {};
}

double DecimalOf(double value) {
  const auto held = static_cast<float>(value);
  if (static_cast<double>(held) != value) return value;
  std::array<char, 32> text;
  const auto end = std::to_chars(text.begin(), text.end(), held).ptr;
  double decimal = value;
  std::from_chars(text.begin(), end, decimal);
  return decimal;
}

double HalfLifeExamples(double beta2, int64_t batch_size) {
  return static_cast<double>(batch_size) * std::log(0.5) / std::log(beta2);
}

}  // namespace batchsweep
