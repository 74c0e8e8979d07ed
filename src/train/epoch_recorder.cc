#include "train/epoch_recorder.h"

namespace batchsweep {
namespace {

// Rows that are made at a time: their text is a fifth of a megabyte.
constexpr size_t kRowsAtATime = 1024;

}  // namespace

Result<EpochConditions> EpochRecorder::Record(
    std::span<const Reading> readings, const EpochMeasurements& measured) {
  for (const Reading& reading : readings) readings_.Add(reading);
  flags_.clear();
  if (measured.steps.empty()) {
    return EpochConditions{.flags = flags_, .energy_joules = 0.0};
  }
  RETURN_IF_ERROR(RecordSteps(measured));
  RETURN_IF_ERROR(RecordCounts(measured));
  const StepMeasurement& last = measured.steps.back();
  const int64_t end_ns = last.start_ns + last.step_time_ns();
  const EpochConditions conditions = {
      .flags = flags_,
      .energy_joules =
          readings_.EnergyJoules(measured.steps.front().start_ns, end_ns)};
  readings_.Forget(end_ns);
  return conditions;
}

Status EpochRecorder::RecordSteps(const EpochMeasurements& measured) {
  for (size_t i = 0; i < measured.steps.size(); ++i) {
    StepRecord record = StepRecordOf(cell_, measured, i);
    const StepReading reading =
        readings_.During(measured.steps[i].start_ns, record.step_time_ns);
    record.board = reading.board;
    record.flags.Add(reading.flags);
    flags_.push_back(record.flags);
    rows_.push_back(record);
    if (rows_.size() < kRowsAtATime && i + 1 < measured.steps.size()) continue;
    RETURN_IF_ERROR(recorder_.AppendSteps(rows_));
    rows_.clear();
  }
  return {};
}

Status EpochRecorder::RecordCounts(const EpochMeasurements& measured) {
  counts_.clear();
  for (const CountedPhase& phase : measured.counts) {
    counts_.push_back({.cell = cell_,
                       .epoch = measured.epoch,
                       .step = phase.step,
                       .counts = phase.counts});
  }
  return recorder_.AppendCounters(counts_);
}

}  // namespace batchsweep
