#include "train/epoch_measurements.h"

namespace batchsweep {

StepRecord StepRecordOf(const CellKey& cell, const EpochMeasurements& measured,
                        size_t index) {
  const StepMeasurement& step = measured.steps[index];
  StepRecord record = {
      .cell = cell,
      .epoch = measured.epoch,
      .step = measured.steps_before + static_cast<int64_t>(index) + 1,
      .examples = step.examples,
      .loss = static_cast<float>(step.loss_sum / step.examples),
      .start_unix_ns = step.start_ns + measured.unix_offset_ns,
      .step_time_ns = step.step_time_ns(),
      .load_time_ns = step.time_ns(Phase::kLoad),
      .forward_time_ns = step.time_ns(Phase::kForward),
      .backward_time_ns = step.time_ns(Phase::kBackward),
      .update_time_ns = step.time_ns(Phase::kUpdate),
      .arena_bytes = measured.arena_bytes,
      .flags = step.flags};
  if (step.correct) {
    record.accuracy =
        static_cast<float>(*step.correct) / static_cast<float>(step.examples);
  }
  return record;
}

}  // namespace batchsweep
