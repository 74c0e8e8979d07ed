// What a cell's epochs add up to.
#ifndef BATCHSWEEP_TRAIN_CELL_TOTALS_H_
#define BATCHSWEEP_TRAIN_CELL_TOTALS_H_

#include <cstdint>
#include <optional>

#include "measure/step_history.h"
#include "measure/step_statistics.h"
#include "record/cell.h"
#include "record/epoch_record.h"
#include "record/evaluation_record.h"
#include "record/summary_record.h"
#include "train/epoch_measurements.h"
#include "train/evaluate.h"
#include "train/noise_scale.h"
#include "train/target.h"
#include "util/fields.h"

namespace batchsweep {

// Of the epoch under way.
struct EpochTotals {
  int64_t steps = 0;
  int64_t examples = 0;
  double loss_sum = 0.0;
  std::optional<int64_t> correct = 0;  // absent where the loss tells no classes
  int64_t train_time_ns = 0;
  int64_t val_time_ns = 0;                    // of its evaluations
  std::optional<double> energy_joules = 0.0;  // absent if not all is known
  std::optional<NoiseTotals> noise;           // absent if it is not measured

  static constexpr auto Fields() {
    using T = EpochTotals;
    return FieldList<&T::steps, &T::examples, &T::loss_sum, &T::correct,
                     &T::train_time_ns, &T::val_time_ns, &T::energy_joules,
                     &T::noise>();
  }
};

struct CellTotals {
  EpochTotals epoch;
  // Of finished epochs, as in SummaryRecord.
  int64_t epochs = 0;
  std::optional<double>
      best_val_loss;  // absent before the first that is finite
  int64_t best_epoch = 0;
  double final_val_loss = 0.0;
  std::optional<double> final_val_accuracy;
  int64_t train_time_ns = 0;
  std::optional<double> train_energy_joules = 0.0;
  std::optional<int64_t> steps_to_target;
  std::optional<int64_t> time_to_target_ns;
  std::optional<double> energy_to_target_joules;
  StepHistory steps;  // of all epochs

  // Takes in what was measured in the epoch under way, or in a part of it.
  // REQUIRES: conditions.flags has an entry for each step.
  void Add(const EpochMeasurements& measured,
           const EpochConditions& conditions);

  // Takes in what the weights are worth now, behind all that was added. The
  // first that reaches the target is remembered.
  EvaluationRecord Evaluate(const CellKey& cell, const Validation& validation,
                            const Target& target);

  // Closes the epoch under way, with the validation behind its last step.
  // REQUIRES: it has a step, and Evaluate() took that validation in.
  EpochRecord FinishEpoch(const CellKey& cell, const Validation& validation);

  static constexpr auto Fields() {
    using T = CellTotals;
    return FieldList<&T::epoch, &T::epochs, &T::best_val_loss, &T::best_epoch,
                     &T::final_val_loss, &T::final_val_accuracy,
                     &T::train_time_ns, &T::train_energy_joules,
                     &T::steps_to_target, &T::time_to_target_ns,
                     &T::energy_to_target_joules, &T::steps>();
  }
};

// What training came to: the columns that follow from the totals and the test.
// Those of memory, limits and the whole cell's time are left as they are.
struct CellSummary {
  SummaryRecord record;
  StepStatistics statistics;
};
CellSummary Summarize(const CellKey& cell, const CellTotals& totals,
                      const Evaluation& test);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_CELL_TOTALS_H_
