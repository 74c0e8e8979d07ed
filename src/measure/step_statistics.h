// What the steps of a cell come to, with and without those that something
// disturbed.
#ifndef BATCHSWEEP_MEASURE_STEP_STATISTICS_H_
#define BATCHSWEEP_MEASURE_STEP_STATISTICS_H_

#include <array>
#include <cstdint>
#include <span>

#include "measure/statistics.h"
#include "measure/step_flags.h"

namespace batchsweep {

// Statistics leave out steps on part of a batch.
struct StepStatistics {
  TimeStatistics all;     // without the warm-up
  TimeStatistics clean;   // of these, without disturbed ones
  int64_t all_steps = 0;  // with the warm-up and steps on part of a batch
  int64_t steps = 0;      // without the warm-up
  int64_t disturbed_steps = 0;
  std::array<int64_t, kStepFlags> steps_by_flag = {};
};

// `times_ns` and `flags` are those of all steps so far, in their order.
// REQUIRES: as many flags as times.
StepStatistics DescribeSteps(std::span<const float> times_ns,
                             std::span<const StepFlags> flags);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_STEP_STATISTICS_H_
