#include "measure/step_statistics.h"

#include <algorithm>
#include <vector>

namespace batchsweep {
namespace {

bool IsClean(StepFlags flags) { return !flags.Disturbed(); }

std::vector<float> CleanTimes(const StepHistory& history) {
  std::vector<float> clean;
  // All at once: a vector that grows takes up to three times as much.
  clean.reserve(
      static_cast<size_t>(std::ranges::count_if(history.flags, IsClean)));
  for (size_t i = 0; i < history.times_ns.size(); ++i) {
    if (IsClean(history.flags[i])) clean.push_back(history.times_ns[i]);
  }
  return clean;
}

}  // namespace

StepStatistics DescribeSteps(const StepHistory& history) {
  StepStatistics found = {.counts = history.counts, .all = {}, .clean = {}};
  if (history.times_ns.empty()) return found;
  found.all = Describe(history.times_ns);
  if (std::ranges::all_of(history.flags, IsClean)) {
    found.clean = found.all;
  } else if (const auto clean = CleanTimes(history); !clean.empty()) {
    found.clean = Describe(clean);
  }
  return found;
}

int64_t DescribeStepsBytes(int64_t kept_steps) {
  return kept_steps * (int64_t{sizeof(float)} + kDescribeBytes);
}

}  // namespace batchsweep
