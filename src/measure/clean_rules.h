// When a cell's times are not to be trusted as they stand.
#ifndef BATCHSWEEP_MEASURE_CLEAN_RULES_H_
#define BATCHSWEEP_MEASURE_CLEAN_RULES_H_

#include <string_view>
#include <vector>

#include "measure/step_statistics.h"
#include "measure/warning.h"

namespace batchsweep {

// Steps became that much slower or faster from the first to the last third.
inline constexpr double kDriftLimit = 0.05;
// Half of the steps are further than that from the median (nanobench's limit).
inline constexpr double kMdapeLimit = 0.05;
// Fewer steps say nothing about either.
inline constexpr int64_t kFewSteps = 30;

// A warning for each rule that a cell's steps broke: "throttled", "slow_clock",
// "swap", "major_fault", "load" if any step was so flagged, "drift", "spread",
// "few_steps". Their messages begin with the cell's name.
std::vector<Warning> CellWarnings(std::string_view cell_name,
                                  const StepStatistics& steps);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_CLEAN_RULES_H_
