#include "record/time_to_target.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace batchsweep {
namespace {

// How far an evaluation is from the target: up to 0 it has been reached. Not a
// number where it is not known.
double DistanceOf(const EvaluationRecord& evaluation,
                  const AdviceTarget& target) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  switch (target.measure) {
    case TargetMeasure::kValLoss:
      return evaluation.val_loss - target.value;
    case TargetMeasure::kSubsetLoss:
      return evaluation.subset_loss.value_or(kUnknown) - target.value;
    case TargetMeasure::kValAccuracy:
      return target.value - evaluation.val_accuracy.value_or(kUnknown);
  }
  return kUnknown;
}

double SecondsOf(const EvaluationRecord& evaluation) {
  return 1e-9 * static_cast<double>(evaluation.train_time_ns);
}

// A loss and the way to it, among those of one training.
struct LossRange {
  double first = 0.0;
  double best = std::numeric_limits<double>::infinity();
};
LossRange RangeOf(std::span<const EvaluationRecord> evaluations) {
  LossRange range = {.first = evaluations.front().val_loss};
  for (const EvaluationRecord& evaluation : evaluations) {
    // A comparison with NaN is false: a loss that is none is no best one.
    if (evaluation.val_loss < range.best) range.best = evaluation.val_loss;
  }
  return range;
}

// `value` rounded up to the fewest digits that add no more than `most`.
double RoundedUp(double value, double most) {
  if (value == 0.0) return value;
  constexpr int kMostDigits = 6;
  const int magnitude =
      static_cast<int>(std::floor(std::log10(std::abs(value))));
  for (int digits = 2; digits < kMostDigits; ++digits) {
    // By a whole number of steps in 1, which 0.01 itself cannot be.
    const double steps = std::pow(10.0, digits - 1 - magnitude);
    const double rounded = std::ceil(value * steps - 1e-9) / steps;
    if (rounded - value <= most) return std::max(rounded, value);
  }
  return value;
}

}  // namespace

ToTarget TimeToTarget(std::span<const EvaluationRecord> evaluations,
                      const AdviceTarget& target) {
  const auto reached = std::ranges::find_if(
      evaluations, [&](const EvaluationRecord& evaluation) {
        return DistanceOf(evaluation, target) <= 0.0;
      });
  if (reached == evaluations.end()) return {};
  ToTarget found = {.outcome = ToTarget::Outcome::kByFirstEvaluation,
                    .seconds = SecondsOf(*reached),
                    .joules = reached->train_energy_joules};
  if (reached == evaluations.begin()) return found;
  found.outcome = ToTarget::Outcome::kReached;
  const EvaluationRecord& before = *std::prev(reached);
  const double left = DistanceOf(before, target);
  if (!std::isfinite(left)) return found;
  const double part = left / (left - DistanceOf(*reached, target));
  found.seconds = std::lerp(SecondsOf(before), found.seconds, part);
  if (found.joules && before.train_energy_joules) {
    found.joules = std::lerp(*before.train_energy_joules, *found.joules, part);
  } else {
    found.joules.reset();
  }
  return found;
}

std::optional<AdviceTarget> TargetOfAll(
    std::span<const std::span<const EvaluationRecord>> trainings) {
  double worst = -std::numeric_limits<double>::infinity();
  double first = worst;
  for (const auto& evaluations : trainings) {
    if (evaluations.empty()) return std::nullopt;
    const LossRange range = RangeOf(evaluations);
    worst = std::max(worst, range.best);
    if (std::isfinite(range.first)) first = std::max(first, range.first);
  }
  if (!std::isfinite(worst)) return std::nullopt;
  const double way = first - worst;
  // Where nothing was learnt, or only one evaluation made, the way says
  // nothing.
  const double most = way > 0.0 ? way / 20 : std::abs(worst) / 100;
  return AdviceTarget{.value = RoundedUp(worst, most)};
}

}  // namespace batchsweep
