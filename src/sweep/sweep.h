// Sweep: the same model trained once for each seed and batch size.
#ifndef BATCHSWEEP_SWEEP_SWEEP_H_
#define BATCHSWEEP_SWEEP_SWEEP_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/kernels.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/epoch_record.h"
#include "record/summary_record.h"
#include "sweep/sweep_config.h"
#include "sweep/sweep_position.h"
#include "train/training_data.h"

namespace batchsweep {

struct CellProgress {
  size_t cell = 0;  // from 0
  size_t cells = 0;
  int64_t batch_size = 0;
  std::optional<uint64_t> seed;  // absent where the sweep has one
  int64_t epoch = 0;             // the one under way, from 1
  double fraction = 0.0;         // of this cell's budget, 0 .. 1
  // The mean over the examples that this epoch was trained on; absent before
  // its first step.
  std::optional<double> train_loss;
  // Of the latest steps; absent without any.
  std::optional<int64_t> step_time_median_ns;
};

// Told about a sweep while it runs, never within a step, from the process of
// the cell: what it keeps is gone with the cell.
class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  virtual void OnCooling(const CellProgress&, double /*now_celsius*/,
                         double /*wanted_celsius*/) {}
  virtual void OnSoaking(const CellProgress&) {}
  virtual void OnProgress(const CellProgress&) {}  // ten times a second
  virtual void OnEpoch(const CellProgress&, const EpochRecord&) {}
  virtual void OnCellDone(const SummaryRecord&) {}
  virtual bool Interrupted() { return false; }
};

struct SweepResult {
  SweepPosition position;    // with what is to be said about the cells done
  bool interrupted = false;  // a checkpoint was written
};

// Runs the cells from `position` on, which is the start of a new sweep or where
// an earlier one stopped, to the end of the round. Each has a process of its
// own, so that its peak of memory is its own. Writes rows after each epoch, the
// trained weights to weights/batch_B_seed_S.safetensors (with _threads_T, where
// there are several) after each cell, and checkpoints.
// An error leaves everything recorded before it in place.
// REQUIRES: run.json and the tables of position.recorded exist; no other thread
// runs.
Result<SweepResult> RunRound(const SweepConfig& config,
                             const TrainingData& data, const Kernels& kernels,
                             Sensors& sensors, SweepPosition position,
                             SweepObserver& observer);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_SWEEP_H_
