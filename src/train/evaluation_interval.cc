#include "train/evaluation_interval.h"

namespace batchsweep {

bool IsDue(const EvaluationInterval& interval,
           const TrainingPosition& position) {
  if (interval.steps) {
    return position.step / *interval.steps >
           position.evaluated_step / *interval.steps;
  }
  if (!interval.seconds) return false;
  const auto every_ns = static_cast<int64_t>(*interval.seconds * 1e9);
  return position.step_time_ns / every_ns >
         position.evaluated_step_time_ns / every_ns;
}

}  // namespace batchsweep
