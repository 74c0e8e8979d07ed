// What a cell under way has come to: its rows, its state, and both on disk.
#ifndef BATCHSWEEP_SWEEP_CELL_LOG_H_
#define BATCHSWEEP_SWEEP_CELL_LOG_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "graph/network.h"
#include "measure/warning.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/epoch_record.h"
#include "record/summary_record.h"
#include "sweep/sweep_config.h"
#include "sweep/sweep_position.h"
#include "train/epoch_measurements.h"
#include "train/epoch_recorder.h"
#include "train/trainer.h"

namespace batchsweep {

class CellLog {
 public:
  // The cell number `position.cells_done`; cuts off rows behind what was
  // recorded. `config` outlives it.
  static Result<CellLog> Open(const SweepConfig& config,
                              const SensorSources& sources,
                              SweepPosition position);

  const CellKey& cell() const { return cell_; }
  SweepPosition& position() { return position_; }
  CellState& state() { return state_; }
  const Readings& readings() const { return recorder_.readings(); }

  // Whether it is to end because it reached its target, within an epoch too.
  bool IsAtTarget() const {
    return config_.stop_at_target && state_.totals.steps_to_target;
  }

  // Fills the network, the state and the trainer with where the cell stopped.
  // False if nothing of it is kept.
  Result<bool> Restore(Network& network, Trainer& trainer);

  // Writes the rows of an epoch or a part of it and adds it up.
  Status Add(std::span<const Reading> readings,
             const EpochMeasurements& measured);
  // Writes the row of an evaluation behind what was added.
  Status Evaluate(const Validation& validation);
  Result<EpochRecord> FinishEpoch(const Validation& validation);

  // The next checkpoint will have the cell as it is now.
  Status Keep(Network& network, const TrainingPosition& trained,
              int64_t elapsed_ns);
  // The trained weights, in their own file, and the cell as it is if it can be
  // trained for more epochs later.
  Status KeepTrained(Network& network, const TrainingPosition& trained,
                     int64_t elapsed_ns);
  // Ends the cell.
  Status Finish(const SummaryRecord& summary,
                std::span<const Warning> warnings);
  // Writes a checkpoint, after the rows: it must not name any that are not on
  // the disk.
  Status Save();

 private:
  CellLog(const SweepConfig& config, EpochRecorder recorder,
          SweepPosition position, const CellKey& cell);

  const SweepConfig& config_;
  CellKey cell_;
  EpochRecorder recorder_;
  std::filesystem::path folder_;  // of checkpoints
  SweepPosition position_;
  CellState state_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_CELL_LOG_H_
