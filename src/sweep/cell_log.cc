#include "sweep/cell_log.h"

#include <algorithm>
#include <utility>

#include "record/recorder.h"
#include "sweep/cell_results.h"
#include "sweep/checkpoint.h"

namespace batchsweep {

Result<CellLog> CellLog::Open(const SweepConfig& config,
                              const SensorSources& sources,
                              SweepPosition position) {
  ASSIGN_OR_RETURN(Recorder recorder,
                   Recorder::Resume(config.out, position.recorded));
  const CellKey cell =
      SweepCells(config)[static_cast<size_t>(position.cells_done)];
  return CellLog(config, EpochRecorder(sources, std::move(recorder), cell),
                 std::move(position), cell);
}

CellLog::CellLog(const SweepConfig& config, EpochRecorder recorder,
                 SweepPosition position, const CellKey& cell)
    : config_(config),
      cell_(cell),
      recorder_(std::move(recorder)),
      folder_(config.out / "checkpoint"),
      position_(std::move(position)) {}

Result<bool> CellLog::Restore(Network& network, Trainer& trainer) {
  const KeptCell* const kept = position_.UnderWay();
  if (kept == nullptr) return false;
  RETURN_IF_ERROR(LoadKeptCell(folder_, *kept, state_, network));
  trainer.Restore(state_.position);
  return true;
}

Status CellLog::Add(std::span<const Reading> readings,
                    const EpochMeasurements& measured) {
  ASSIGN_OR_RETURN(const EpochConditions conditions,
                   recorder_.Record(readings, measured));
  state_.totals.Add(measured, conditions);
  return {};
}

Status CellLog::Evaluate(const Validation& validation) {
  return recorder_.recorder().AppendEvaluation(state_.totals.Evaluate(
      cell_, validation,
      {.accuracy = config_.target_accuracy, .loss = config_.target_loss}));
}

Result<EpochRecord> CellLog::FinishEpoch(const Validation& validation) {
  const EpochRecord epoch = state_.totals.FinishEpoch(cell_, validation);
  RETURN_IF_ERROR(recorder_.recorder().AppendEpoch(epoch));
  return epoch;
}

Status CellLog::Keep(Network& network, const TrainingPosition& trained,
                     int64_t elapsed_ns) {
  state_.position = trained;
  state_.elapsed_ns = elapsed_ns;
  return KeepCell(folder_, position_.cells_done, state_, network, position_);
}

Status CellLog::KeepTrained(Network& network, const TrainingPosition& trained,
                            int64_t elapsed_ns) {
  ASSIGN_OR_RETURN(WrittenFile weights, WriteWeights(config_, cell_, network));
  // Processes that repeat a cell write the same file.
  std::erase_if(position_.weights, [&](const WrittenFile& other) {
    return other.name == weights.name;
  });
  position_.weights.push_back(std::move(weights));
  // A budget of steps or seconds may end within an epoch, which was validated
  // as it was then and cannot be gone on with.
  if (config_.budget.epochs) return Keep(network, trained, elapsed_ns);
  position_.Forget(position_.cells_done);
  return {};
}

Status CellLog::Finish(const SummaryRecord& summary,
                       std::span<const Warning> warnings) {
  RETURN_IF_ERROR(recorder_.recorder().AppendSummary(summary));
  ++position_.cells_done;
  for (const Warning& warning : warnings) {
    if (!std::ranges::contains(position_.warnings, warning)) {
      position_.warnings.push_back(warning);
    }
  }
  return Save();
}

Status CellLog::Save() {
  RETURN_IF_ERROR(recorder_.recorder().Sync());
  position_.recorded = recorder_.recorder().recorded();
  return SavePosition(folder_, position_);
}

}  // namespace batchsweep
