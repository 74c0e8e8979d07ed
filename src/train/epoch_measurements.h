// What is measured while an epoch is trained.
#ifndef BATCHSWEEP_TRAIN_EPOCH_MEASUREMENTS_H_
#define BATCHSWEEP_TRAIN_EPOCH_MEASUREMENTS_H_

#include <array>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "measure/phase_clock.h"
#include "measure/phase_counts.h"
#include "measure/step_flags.h"
#include "record/cell.h"
#include "record/step_record.h"
#include "train/noise_scale.h"

namespace batchsweep {

struct StepMeasurement {
  int64_t start_ns = 0;  // by MonotonicNs()
  std::array<int64_t, kPhases.size()> phase_ns = {};
  double loss_sum = 0.0;  // over its examples, before its update
  int32_t examples = 0;
  std::optional<int32_t> correct;      // absent where the loss tells no classes
  StepFlags flags;                     // those that the trainer knows of
  std::optional<NoiseEstimate> noise;  // absent unless measured and known
  int64_t noise_time_ns = 0;           // that measuring it took; in no phase

  int64_t time_ns(Phase phase) const {
    return phase_ns[static_cast<size_t>(phase)];
  }
  int64_t step_time_ns() const {
    return std::accumulate(phase_ns.begin(), phase_ns.end(), int64_t{0});
  }
};

// Of one phase of step number `step`.
struct CountedPhase {
  int64_t step = 0;
  PhaseCounts counts;
};

// Of one call of Trainer::TrainEpoch(): all of an epoch's steps, or those up to
// an interruption or evaluation, or from one on.
struct EpochMeasurements {
  int64_t epoch = 1;
  int64_t steps_before = 0;    // made before steps[0], through all epochs
  int64_t unix_offset_ns = 0;  // UTC since 1970, less MonotonicNs()
  // From the shuffle, if any, to the last step, without measuring noise.
  int64_t train_time_ns = 0;
  int64_t arena_bytes = 0;  // of the network that trained
  bool measures_noise = false;
  std::vector<StepMeasurement> steps;
  std::vector<CountedPhase> counts;  // in the order of the phases
};

// What the board did meanwhile.
struct EpochConditions {
  std::span<const StepFlags> flags;     // of each step, the trainer's with them
  std::optional<double> energy_joules;  // drawn; absent if that is not known
};

// The row of measured.steps[index], but for what the board did.
StepRecord StepRecordOf(const CellKey& cell, const EpochMeasurements& measured,
                        size_t index);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_EPOCH_MEASUREMENTS_H_
