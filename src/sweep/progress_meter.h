// What an observer is told of the steps of a cell.
#ifndef BATCHSWEEP_SWEEP_PROGRESS_METER_H_
#define BATCHSWEEP_SWEEP_PROGRESS_METER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sweep/sweep.h"
#include "train/budget.h"
#include "train/cell_totals.h"
#include "train/epoch_measurements.h"
#include "train/training_position.h"

namespace batchsweep {

// The mean loss of an epoch that is under way. Steps are added up as they come,
// so that looking ten times a second touches each of them once.
class RunningLoss {
 public:
  // The mean over the examples of `before`, the part of the epoch that was
  // trained before it was interrupted or evaluated, and of `measured`, that
  // from then on. Absent before the first step.
  std::optional<double> Mean(const EpochTotals& before,
                             const EpochMeasurements& measured);

 private:
  int64_t steps_before_ = 0;  // those taken in
  size_t steps_ = 0;          // that are taken in
  double loss_sum_ = 0.0;
  int64_t examples_ = 0;
};

// Of the latest thousand steps at most: so many are quickly sorted. Absent
// without a step.
std::optional<int64_t> MedianStepTimeNs(std::span<const StepMeasurement> steps);

// What is told of a cell while it trains.
class ProgressMeter {
 public:
  // `first`: before its training. An epoch has `train_examples`.
  ProgressMeter(const CellProgress& first, const Budget& budget,
                int64_t train_examples)
      : first_(first), budget_(budget), train_examples_(train_examples) {}

  const CellProgress& first() const { return first_; }

  // With `before` and `measured` as of RunningLoss::Mean().
  CellProgress Of(const TrainingPosition& position, const EpochTotals& before,
                  const EpochMeasurements& measured);

 private:
  const CellProgress first_;
  const Budget budget_;
  const int64_t train_examples_;
  RunningLoss running_loss_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_PROGRESS_METER_H_
