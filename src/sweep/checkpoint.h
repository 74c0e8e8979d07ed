// Where a sweep stands, on disk, so that `run --resume` goes on bit for bit.
//
// Folder layout: state.json says how far the sweep and its present cell are,
// how much of each table counts, and which tensors file belongs to it:
// tensors-STEP.safetensors has the weights under their own names, the
// optimizer's slots as "slot 0", "slot 1", the step times, and each step's
// flags as a number whose bits are the flags. state.json is replaced last and
// as a whole; a folder holds a checkpoint as soon as it is there.
#ifndef BATCHSWEEP_SWEEP_CHECKPOINT_H_
#define BATCHSWEEP_SWEEP_CHECKPOINT_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "graph/network.h"
#include "measure/roofline.h"
#include "measure/warning.h"
#include "platform/error.h"
#include "record/recorder.h"
#include "train/cell_totals.h"
#include "train/training_position.h"
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

// How far the cell under way has come.
struct CellState {
  TrainingPosition position;
  CellTotals totals;
  int64_t elapsed_ns = 0;  // spent on it so far

  static constexpr auto Fields() {
    using S = CellState;
    return FieldList<&S::position, &S::totals, &S::elapsed_ns>();
  }
};

struct SweepPosition {
  int64_t cells_done = 0;
  RecordedBytes recorded;
  std::optional<CellState> cell;  // absent between cells

  // Of the cells done.
  std::vector<Warning> warnings;
  std::vector<int64_t> diverged_batches;  // whose loss stopped being finite
  bool weights_are_live = true;           // see NetworkPlan

  std::vector<ThreadsLimits> limits;  // measured once for each

  static constexpr auto Fields() {
    using P = SweepPosition;
    return FieldList<&P::cells_done, &P::recorded, &P::cell, &P::warnings,
                     &P::diverged_batches, &P::weights_are_live, &P::limits>();
  }
};

// Writes the position and, with a cell under way, the network's tensors.
Status SaveCheckpoint(const std::filesystem::path& folder,
                      const SweepPosition& position, Network* network);

// An error names the file if there is no checkpoint or it cannot be read.
Result<SweepPosition> LoadCheckpoint(const std::filesystem::path& folder);

// Fills the network's weights and optimizer slots, and the cell's step times,
// from the tensors of the last checkpoint.
Status LoadCheckpointTensors(const std::filesystem::path& folder,
                             CellState& cell, Network& network);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_CHECKPOINT_H_
