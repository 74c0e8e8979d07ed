#include "train/epoch_recorder.h"

namespace batchsweep {
namespace {

// Rows that are made at a time: their text is a fifth of a megabyte.
constexpr size_t kRowsAtATime = 1024;

}  // namespace

Status EpochRecorder::Record(std::span<const Reading> readings,
                             Trainer& trainer) {
  for (const Reading& reading : readings) readings_.Add(reading);
  const auto steps = trainer.measurements();
  if (steps.empty()) return {};
  for (size_t i = 0; i < steps.size(); ++i) {
    StepRecord record = trainer.RecordOf(i);
    const StepReading reading =
        readings_.During(steps[i].start_ns, record.step_time_ns);
    record.board = reading.board;
    record.flags.Add(reading.flags);
    trainer.Flag(i, record.flags);
    rows_.push_back(record);
    if (rows_.size() < kRowsAtATime && i + 1 < steps.size()) continue;
    RETURN_IF_ERROR(recorder_.AppendSteps(rows_));
    rows_.clear();
  }
  const int64_t end_ns = steps.back().start_ns + steps.back().step_time_ns();
  trainer.AddEnergy(readings_.EnergyJoules(steps.front().start_ns, end_ns));
  readings_.Forget(end_ns);
  return recorder_.AppendCounters(trainer.counter_records());
}

}  // namespace batchsweep
