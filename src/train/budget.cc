#include "train/budget.h"

#include <algorithm>

namespace batchsweep {
namespace {

double Ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

bool IsSpent(const Budget& budget, const TrainingPosition& position) {
  if (budget.epochs) return position.epoch > *budget.epochs;
  if (budget.steps) return position.step >= *budget.steps;
  return static_cast<double>(position.step_time_ns) >= *budget.seconds * 1e9;
}

double SpentFraction(const Budget& budget, const TrainingPosition& position,
                     int64_t train_examples) {
  double fraction = 0.0;
  if (budget.epochs) {
    const int64_t examples =
        (position.epoch - 1) * train_examples + position.epoch_examples;
    fraction = Ratio(examples, *budget.epochs * train_examples);
  } else if (budget.steps) {
    fraction = Ratio(position.step, *budget.steps);
  } else {
    fraction =
        static_cast<double>(position.step_time_ns) / (*budget.seconds * 1e9);
  }
  return std::min(fraction, 1.0);
}

std::optional<int64_t> PlannedSteps(const Budget& budget, int64_t epoch_steps) {
  if (budget.steps) return budget.steps;
  if (budget.epochs) return *budget.epochs * epoch_steps;
  return std::nullopt;
}

}  // namespace batchsweep
