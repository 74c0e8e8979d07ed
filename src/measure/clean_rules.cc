#include "measure/clean_rules.h"

#include <array>
#include <cmath>
#include <format>
#include <utility>

namespace batchsweep {
namespace {

constexpr auto kWhatHappened = std::to_array<std::pair<StepFlag, const char*>>({
    {StepFlag::kThrottled, "the board throttled"},
    {StepFlag::kSlowClock, "the CPU ran below 95 % of its highest frequency"},
    {StepFlag::kSwap, "memory was being swapped out"},
    {StepFlag::kMajorFault, "pages were being read from disk"},
    {StepFlag::kLoad, "others used more than a tenth of a core"},
});

}  // namespace

std::vector<Warning> CellWarnings(std::string_view cell_name,
                                  const StepStatistics& steps) {
  std::vector<Warning> warnings;
  for (const auto& [flag, what] : kWhatHappened) {
    const auto index = static_cast<size_t>(flag);
    const int64_t count = steps.steps_by_flag[index];
    if (count == 0) continue;
    warnings.push_back({kStepFlagNames[index],
                        std::format("{}: {} during {} of {} steps", cell_name,
                                    what, count, steps.all_steps)});
  }
  if (steps.steps < kFewSteps) {
    warnings.push_back(
        {"few_steps",
         std::format("{}: {} step{} after the warm-up {} too few "
                     "for statistics",
                     cell_name, steps.steps, steps.steps == 1 ? "" : "s",
                     steps.steps == 1 ? "is" : "are")});
    return warnings;
  }
  if (const double drift = steps.all.drift; std::abs(drift) >= kDriftLimit) {
    warnings.push_back(
        {"drift", std::format("{}: steps of the last third took {:.1f} % {} "
                              "than those of the first",
                              cell_name, 100 * std::abs(drift),
                              drift > 0 ? "longer" : "less")});
  }
  if (const double mdape = steps.all.mdape; mdape >= kMdapeLimit) {
    warnings.push_back(
        {"spread",
         std::format("{}: half of the steps are {:.1f} % or more away "
                     "from the median",
                     cell_name, 100 * mdape)});
  }
  return warnings;
}

}  // namespace batchsweep
