#include "train/epoch_recorder.h"

#include <algorithm>

namespace batchsweep {
namespace {

// Rows that are made and written at a time.
constexpr size_t kRowsAtATime = 1024;
// Their text, with every column filled.
constexpr int64_t kRowBytes = 256;

}  // namespace

Result<EpochConditions> EpochRecorder::Record(
    std::span<const Reading> readings, const EpochMeasurements& measured) {
  readings_.Add(readings);
  flags_.clear();
  flags_.reserve(measured.steps.size());
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
  for (size_t i = 0; i < measured.counts.size(); ++i) {
    const CountedPhase& phase = measured.counts[i];
    counts_.push_back({.cell = cell_,
                       .epoch = measured.epoch,
                       .step = phase.step,
                       .counts = phase.counts});
    if (counts_.size() < kRowsAtATime && i + 1 < measured.counts.size()) {
      continue;
    }
    RETURN_IF_ERROR(recorder_.AppendCounters(counts_));
    counts_.clear();
  }
  return {};
}

int64_t EpochRecorder::Bytes(int64_t epoch_steps) {
  const auto rows = std::min(epoch_steps, static_cast<int64_t>(kRowsAtATime));
  return epoch_steps * int64_t{sizeof(StepFlags)} +
         rows *
             (int64_t{sizeof(StepRecord) + sizeof(CounterRecord)} + kRowBytes);
}

}  // namespace batchsweep
