#include "sweep/progress_meter.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "measure/statistics.h"

namespace batchsweep {

std::optional<double> RunningLoss::Mean(const EpochTotals& before,
                                        const EpochMeasurements& measured) {
  if (measured.steps_before != steps_before_ ||
      measured.steps.size() < steps_) {
    *this = {};
    steps_before_ = measured.steps_before;
  }
  for (; steps_ < measured.steps.size(); ++steps_) {
    loss_sum_ += measured.steps[steps_].loss_sum;
    examples_ += measured.steps[steps_].examples;
  }
  const int64_t examples = before.examples + examples_;
  if (examples == 0) return std::nullopt;
  return (before.loss_sum + loss_sum_) / static_cast<double>(examples);
}

std::optional<int64_t> MedianStepTimeNs(
    std::span<const StepMeasurement> steps) {
  if (steps.empty()) return std::nullopt;
  constexpr size_t kMostSteps = 1000;
  std::vector<float> times_ns;
  for (const StepMeasurement& step :
       steps.last(std::min(steps.size(), kMostSteps))) {
    times_ns.push_back(static_cast<float>(step.step_time_ns()));
  }
  return std::llround(Quantile(times_ns, 0.5));
}

CellProgress ProgressMeter::Of(const TrainingPosition& position,
                               const EpochTotals& before,
                               const EpochMeasurements& measured) {
  CellProgress progress = first_;
  progress.epoch = measured.epoch;
  progress.fraction = SpentFraction(budget_, position, train_examples_);
  progress.train_loss = running_loss_.Mean(before, measured);
  progress.step_time_median_ns = MedianStepTimeNs(measured.steps);
  return progress;
}

}  // namespace batchsweep
