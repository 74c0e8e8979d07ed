// From what was measured and what was read to the rows of steps.csv.
#ifndef BATCHSWEEP_TRAIN_EPOCH_RECORDER_H_
#define BATCHSWEEP_TRAIN_EPOCH_RECORDER_H_

#include <span>
#include <vector>

#include "measure/readings.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/recorder.h"
#include "train/trainer.h"

namespace batchsweep {

class EpochRecorder {
 public:
  EpochRecorder(const SensorSources& sources, Recorder recorder)
      : readings_(sources), recorder_(std::move(recorder)) {}

  // Writes the rows of the trainer's last TrainEpoch() and of its counts, and
  // tells the trainer what disturbed its steps and what they drew. `readings`
  // are those since the last call.
  Status Record(std::span<const Reading> readings, Trainer& trainer);

  const Readings& readings() const { return readings_; }
  Recorder& recorder() { return recorder_; }

 private:
  Readings readings_;
  Recorder recorder_;
  std::vector<StepRecord> rows_;  // reused
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_EPOCH_RECORDER_H_
