#include "measure/step_history.h"

#include <algorithm>
#include <cmath>

#include "util/rng.h"

namespace batchsweep {
namespace {

// Numbers of steps have fewer bits than that, whatever the run.
constexpr int64_t kMostLevels = 48;

// Which half of a window of 2^level steps the step kept of it lies in: 0 or 1.
int64_t HalfOf(int64_t window, int64_t level) {
  const auto bits = static_cast<uint64_t>(window);
  return static_cast<int64_t>(
      MixBits(bits << 6 | static_cast<uint64_t>(level)) >> 63);
}

// It is kept as long as it lies in the half that was drawn of each window
// around it.
bool IsKept(int64_t number, int64_t level) {
  for (int64_t l = 1; l <= level; ++l) {
    if ((number >> (l - 1) & 1) != HalfOf(number >> l, l)) return false;
  }
  return true;
}

// The number of the step that is kept of a window.
int64_t KeptOf(int64_t window, int64_t level) {
  int64_t number = window;
  for (int64_t l = level; l > 0; --l) number = 2 * number + HalfOf(number, l);
  return number;
}

bool IsLeftOut(StepFlags flags) {
  return flags.Has(StepFlag::kWarmup) || flags.Has(StepFlag::kPartBatch);
}

// To be called with an entry for each window up to the last.
void Thin(StepHistory& history) {
  const int64_t pairs = std::ssize(history.times_ns) / 2;
  ++history.level;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const auto from =
        static_cast<size_t>(2 * pair + HalfOf(pair, history.level));
    const auto to = static_cast<size_t>(pair);
    history.times_ns[to] = history.times_ns[from];
    history.flags[to] = history.flags[from];
  }
  history.times_ns.resize(static_cast<size_t>(pairs));
  history.flags.resize(static_cast<size_t>(pairs));
}

bool AreConsistent(const StepCounts& counts) {
  const auto within = [&](int64_t count) {
    return count >= 0 && count <= counts.all_steps;
  };
  return within(counts.steps) && counts.disturbed_steps >= 0 &&
         counts.disturbed_steps <= counts.steps &&
         std::ranges::all_of(counts.steps_by_flag, within);
}

}  // namespace

void StepHistory::Reserve(int64_t steps) {
  const auto kept = static_cast<size_t>(std::min(steps, kKeptSteps));
  times_ns.reserve(kept);
  flags.reserve(kept);
}

void StepHistory::Add(float time_ns, StepFlags step_flags) {
  ++counts.all_steps;
  for (size_t flag = 0; flag < kStepFlags; ++flag) {
    counts.steps_by_flag[flag] += step_flags.Has(static_cast<StepFlag>(flag));
  }
  if (IsLeftOut(step_flags)) return;
  const int64_t number = counts.steps++;
  counts.disturbed_steps += step_flags.Disturbed();
  if (!IsKept(number, level)) return;
  if (std::ssize(times_ns) == kKeptSteps) Thin(*this);
  if (!IsKept(number, level)) return;
  times_ns.push_back(time_ns);
  flags.push_back(step_flags);
}

bool StepHistory::IsConsistent() const {
  if (level < 0 || level > kMostLevels || !AreConsistent(counts)) return false;
  // The last window is one of fewer steps, of which that to be kept may be yet
  // to come.
  const int64_t whole = counts.steps >> level;
  const int64_t kept = whole + (KeptOf(whole, level) < counts.steps ? 1 : 0);
  const bool thinned_late = level == 0 || counts.steps > kKeptSteps
                                                             << (level - 1);
  return kept <= kKeptSteps && thinned_late && std::ssize(times_ns) == kept &&
         flags.size() == times_ns.size() &&
         std::ranges::none_of(flags, IsLeftOut) &&
         std::ranges::all_of(times_ns, [](float time_ns) {
           return std::isfinite(time_ns) && time_ns >= 0.0f;
         });
}

}  // namespace batchsweep
