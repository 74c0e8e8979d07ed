#include "measure/clean_rules.h"

#include <cmath>
#include <format>

namespace batchsweep {
namespace {

// In a message; null for what is no reason to mistrust a cell.
const char* WhatHappened(StepFlag flag) {
  switch (flag) {
    case StepFlag::kWarmup:
    case StepFlag::kPartBatch:
      return nullptr;
    case StepFlag::kThrottled:
      return "the board throttled";
    case StepFlag::kSlowClock:
      return "the CPU ran below 95 % of its highest frequency";
    case StepFlag::kSwap:
      return "memory was being swapped out";
    case StepFlag::kMajorFault:
      return "pages were being read from disk";
    case StepFlag::kLoad:
      return "others used more than a tenth of a core";
  }
  return nullptr;
}

}  // namespace

std::vector<Warning> CellWarnings(std::string_view cell_name,
                                  const StepStatistics& steps) {
  const StepCounts& counts = steps.counts;
  std::vector<Warning> warnings;
  for (size_t i = 0; i < kStepFlags; ++i) {
    const auto flag = static_cast<StepFlag>(i);
    const char* const what = WhatHappened(flag);
    const int64_t count = counts.steps_by_flag[i];
    if (what == nullptr || count == 0) continue;
    warnings.push_back(
        {NameOf(flag), std::format("{}: {} during {} of {} steps", cell_name,
                                   what, count, counts.all_steps)});
  }
  if (counts.steps < kFewSteps || !steps.all) {
    warnings.push_back(
        {"few_steps",
         std::format("{}: {} step{} after the warm-up {} too few "
                     "for statistics",
                     cell_name, counts.steps, counts.steps == 1 ? "" : "s",
                     counts.steps == 1 ? "is" : "are")});
    return warnings;
  }
  if (const double drift = steps.all->drift; std::abs(drift) >= kDriftLimit) {
    warnings.push_back(
        {"drift", std::format("{}: steps of the last third took {:.1f} % {} "
                              "than those of the first",
                              cell_name, 100 * std::abs(drift),
                              drift > 0 ? "longer" : "less")});
  }
  if (const double mdape = steps.all->mdape; mdape >= kMdapeLimit) {
    warnings.push_back(
        {"spread",
         std::format("{}: half of the steps are {:.1f} % or more away "
                     "from the median",
                     cell_name, 100 * mdape)});
  }
  return warnings;
}

}  // namespace batchsweep
