// The cells of a run that an answer may be drawn from.
#ifndef BATCHSWEEP_RECORD_ADVICE_CELLS_H_
#define BATCHSWEEP_RECORD_ADVICE_CELLS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "measure/warning.h"
#include "record/cell.h"
#include "record/evaluation_record.h"
#include "record/summary_record.h"
#include "util/fields.h"

namespace batchsweep {

// A cell is disturbed if more than this part of its steps are flagged and it
// shows, or if memory of its process was swapped out: its times are then those
// of what disturbed it. It shows unless kFewSteps or more steps that are not
// flagged have nearly the median of all: others may use a core that training
// left idle.
inline constexpr double kMostFlagged = 0.25;
inline constexpr double kHarmless = 0.05;  // difference of the two medians

struct DisturbedCell {
  CellKey cell;
  std::vector<std::string> reasons;  // names of warnings: "load"

  static constexpr auto Fields() {
    return FieldList<&DisturbedCell::cell, &DisturbedCell::reasons>();
  }
};

// A cell that is done, with its evaluations in their order.
struct TrainedCell {
  SummaryRecord summary;
  std::vector<EvaluationRecord> evaluations;

  // A loss of it was not finite.
  bool diverged() const {
    return !summary.best_val_loss || !summary.final_val_loss;
  }
};

struct AdviceCells {
  std::vector<TrainedCell> trained;  // undisturbed, by size, threads and seed
  std::vector<DisturbedCell> disturbed;
  // The clock of all cells was below the highest, and nothing else is the
  // matter. That slows all of them alike: they count as undisturbed.
  bool slow_clock = false;
};

AdviceCells CellsOf(std::span<const SummaryRecord> summaries,
                    std::span<const EvaluationRecord> evaluations,
                    std::span<const Warning> warnings);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_ADVICE_CELLS_H_
