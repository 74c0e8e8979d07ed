#include "measure/step_statistics.h"

#include <vector>

#include "util/check.h"

namespace batchsweep {

StepStatistics DescribeSteps(std::span<const float> times_ns,
                             std::span<const StepFlags> flags) {
  CHECK(times_ns.size() == flags.size());
  StepStatistics found = {.all_steps = std::ssize(times_ns)};
  std::vector<float> all, clean;
  for (size_t i = 0; i < times_ns.size(); ++i) {
    for (size_t flag = 0; flag < kStepFlags; ++flag) {
      found.steps_by_flag[flag] += flags[i].Has(static_cast<StepFlag>(flag));
    }
    if (flags[i].Has(StepFlag::kWarmup) || flags[i].Has(StepFlag::kPartBatch)) {
      continue;
    }
    all.push_back(times_ns[i]);
    if (!flags[i].Disturbed()) clean.push_back(times_ns[i]);
  }
  found.steps = std::ssize(all);
  found.disturbed_steps = std::ssize(all) - std::ssize(clean);
  found.all = Describe(all);
  found.clean = clean.size() == all.size() ? found.all : Describe(clean);
  return found;
}

}  // namespace batchsweep
