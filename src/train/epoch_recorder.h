// From what was measured and what was read to the rows of steps.csv.
#ifndef BATCHSWEEP_TRAIN_EPOCH_RECORDER_H_
#define BATCHSWEEP_TRAIN_EPOCH_RECORDER_H_

#include <span>
#include <utility>
#include <vector>

#include "measure/readings.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/cell.h"
#include "record/counter_record.h"
#include "record/recorder.h"
#include "record/step_record.h"
#include "train/epoch_measurements.h"

namespace batchsweep {

class EpochRecorder {
 public:
  // Of the cell `cell`, into the tables of `recorder`.
  EpochRecorder(const SensorSources& sources, Recorder recorder,
                const CellKey& cell)
      : cell_(cell), readings_(sources), recorder_(std::move(recorder)) {}

  // Writes the rows of the steps and of their counts, and says what the
  // readings, which are those since the last call, tell of the steps. Valid
  // until the next call.
  Result<EpochConditions> Record(std::span<const Reading> readings,
                                 const EpochMeasurements& measured);

  // What it takes for epochs of so many steps, beside the readings.
  static int64_t Bytes(int64_t epoch_steps);

  const Readings& readings() const { return readings_; }
  Recorder& recorder() { return recorder_; }

 private:
  Status RecordSteps(const EpochMeasurements& measured);
  Status RecordCounts(const EpochMeasurements& measured);

  const CellKey cell_;
  Readings readings_;
  Recorder recorder_;
  // Reused, so that their memory is taken once.
  std::vector<StepRecord> rows_;
  std::vector<CounterRecord> counts_;
  std::vector<StepFlags> flags_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_EPOCH_RECORDER_H_
