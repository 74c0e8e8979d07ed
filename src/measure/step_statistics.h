// What the steps of a cell come to, with and without those that something
// disturbed.
#ifndef BATCHSWEEP_MEASURE_STEP_STATISTICS_H_
#define BATCHSWEEP_MEASURE_STEP_STATISTICS_H_

#include <cstdint>
#include <optional>

#include "measure/statistics.h"
#include "measure/step_history.h"

namespace batchsweep {

// Statistics leave out the warm-up and steps on part of a batch.
struct StepStatistics {
  StepCounts counts;
  std::optional<TimeStatistics> all;    // absent without a step
  std::optional<TimeStatistics> clean;  // of those that nothing disturbed;
                                        // absent if none of these is kept
};

StepStatistics DescribeSteps(const StepHistory& history);

// What it takes meanwhile, where `kept_steps` are kept.
int64_t DescribeStepsBytes(int64_t kept_steps);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_STEP_STATISTICS_H_
