// How far a sweep has come: all that a checkpoint remembers beside tensors.
#ifndef BATCHSWEEP_SWEEP_SWEEP_POSITION_H_
#define BATCHSWEEP_SWEEP_SWEEP_POSITION_H_

#include <cstdint>
#include <vector>

#include "measure/roofline.h"
#include "measure/warning.h"
#include "platform/error.h"
#include "record/recorder.h"
#include "record/written_file.h"
#include "train/cell_totals.h"
#include "train/training_position.h"
#include "util/checksum.h"
#include "util/fields.h"

namespace batchsweep {

// What this machine allows with that many threads.
struct ThreadsLimits {
  int threads = 1;
  MachineLimits limits;

  static constexpr auto Fields() {
    return FieldList<&ThreadsLimits::threads, &ThreadsLimits::limits>();
  }
};

// How far a cell has come.
struct CellState {
  TrainingPosition position;
  CellTotals totals;
  int64_t elapsed_ns = 0;  // spent on it so far
  bool diverged = false;   // its training ended for good

  static constexpr auto Fields() {
    using S = CellState;
    return FieldList<&S::position, &S::totals, &S::elapsed_ns, &S::diverged>();
  }
};

// A cell that can be gone on with: one that was interrupted, or one that is
// done, should it be trained for more epochs.
struct KeptCell {
  int64_t cell = 0;            // its number, as in SweepCells()
  int64_t tensors_serial = 0;  // of its tensors file
  Checksum tensors;            // of that file
  int64_t history_steps = 0;   // step times in it
  CellState state;             // without the step history

  static constexpr auto Fields() {
    using K = KeptCell;
    return FieldList<&K::cell, &K::tensors_serial, &K::tensors,
                     &K::history_steps, &K::state>();
  }
};

struct SweepPosition {
  int64_t serial = 0;  // of the checkpoint; 0 before the first
  int64_t cells_done = 0;
  RecordedTables recorded;
  std::vector<KeptCell> kept;
  std::vector<WrittenFile> weights;  // of the cells done

  // Of the cells done.
  std::vector<Warning> warnings;
  std::vector<int64_t> diverged_batches;  // whose loss stopped being finite
  bool weights_are_live = true;           // see NetworkPlan

  std::vector<ThreadsLimits> limits;  // measured once for each

  // Null if nothing of that cell is kept.
  const KeptCell* Kept(int64_t cell) const;
  // Keeps nothing of that cell any more.
  void Forget(int64_t cell);
  // The cell under way; null between cells.
  const KeptCell* UnderWay() const { return Kept(cells_done); }

  static constexpr auto Fields() {
    using P = SweepPosition;
    return FieldList<&P::serial, &P::cells_done, &P::recorded, &P::kept,
                     &P::weights, &P::warnings, &P::diverged_batches,
                     &P::weights_are_live, &P::limits>();
  }
};

// Whether the numbers can be those of a sweep of `cells` cells that train on
// `train_examples`: an error names the first that cannot.
Status CheckPosition(const SweepPosition& position, int64_t cells,
                     int64_t train_examples);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_SWEEP_POSITION_H_
