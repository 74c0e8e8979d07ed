#include "record/threads_advice.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <ranges>
#include <set>
#include <utility>

#include "measure/statistics.h"

namespace batchsweep {
namespace {

// What one seed of a batch size took to the target; of several processes the
// geometric mean.
struct SeedCost {
  double log_seconds = 0.0;
  std::optional<double> log_joules;  // absent if any process' is
};

using Cells = std::vector<const TrainedCell*>;    // of one batch size
using SeedCosts = std::map<uint64_t, SeedCost>;   // by seed
using BatchCosts = std::map<int64_t, SeedCosts>;  // by batch size

// Joules that are too few readings of power are none.
std::optional<double> JoulesOf(const ToTarget& to_target, double sample_hz) {
  if (to_target.seconds * sample_hz < kLeastPowerReadings) return std::nullopt;
  if (to_target.joules && *to_target.joules > 0.0) return to_target.joules;
  return std::nullopt;
}

SeedCosts CostsOf(const Cells& cells, const AdviceTarget& target,
                  double sample_hz) {
  struct Logarithms {
    std::vector<double> seconds, joules;
  };
  std::map<uint64_t, Logarithms> by_seed;
  for (const TrainedCell* cell : cells) {
    const ToTarget to_target = TimeToTarget(cell->evaluations, target);
    Logarithms& seed = by_seed[cell->summary.cell.seed];
    // A clock's tick, where training took no time at all.
    seed.seconds.push_back(std::log(std::max(to_target.seconds, 1e-9)));
    if (const auto joules = JoulesOf(to_target, sample_hz)) {
      seed.joules.push_back(std::log(*joules));
    }
  }
  SeedCosts costs;
  for (const auto& [seed, logarithms] : by_seed) {
    SeedCost& cost = costs[seed];
    cost.log_seconds = MeanOf(logarithms.seconds);
    if (logarithms.joules.size() == logarithms.seconds.size()) {
      cost.log_joules = MeanOf(logarithms.joules);
    }
  }
  return costs;
}

// Absent if the times of these cells to the target are known, or if there is no
// target and they could be.
std::optional<NotCompared> WhyNotCompared(
    int64_t batch_size, const Cells& cells,
    const std::optional<AdviceTarget>& target) {
  std::set<uint64_t> seeds, missed, early;
  bool diverged = false;
  for (const TrainedCell* cell : cells) {
    const uint64_t seed = cell->summary.cell.seed;
    seeds.insert(seed);
    diverged = diverged || cell->diverged();
    if (!target) continue;
    switch (TimeToTarget(cell->evaluations, *target).outcome) {
      case ToTarget::Outcome::kNotReached:
        missed.insert(seed);
        break;
      case ToTarget::Outcome::kByFirstEvaluation:
        early.insert(seed);
        break;
      case ToTarget::Outcome::kReached:
        break;
    }
  }
  NotCompared found = {.batch_size = batch_size,
                       .seeds = std::ssize(seeds),
                       .reached_seeds = std::ssize(seeds) - std::ssize(missed)};
  if (seeds.empty()) {
    found.reason = NotComparedReason::kDisturbed;
  } else if (diverged) {
    found.reason = NotComparedReason::kDiverged;
  } else if (!missed.empty()) {
    found.reason = NotComparedReason::kNotReached;
  } else if (!early.empty()) {
    found.reason = NotComparedReason::kByFirstEvaluation;
  } else {
    return std::nullopt;
  }
  return found;
}

// The seeds that all of these batch sizes have, in order.
std::vector<uint64_t> CommonSeeds(const BatchCosts& costs) {
  std::vector<uint64_t> common;
  if (costs.empty()) return common;
  for (const auto& [seed, cost] : costs.begin()->second) {
    const bool everywhere = std::ranges::all_of(
        costs, [&](const auto& batch) { return batch.second.contains(seed); });
    if (everywhere) common.push_back(seed);
  }
  return common;
}

// Takes out the batch sizes with the fewest seeds, as long as that is what
// keeps two or more others from having two seeds in common.
void DropThoseOfFewSeeds(BatchCosts& costs, std::vector<NotCompared>& dropped) {
  BatchCosts left = costs;
  std::vector<NotCompared> out;
  while (left.size() > 2 && CommonSeeds(left).size() < 2) {
    const auto fewest = std::ranges::min_element(
        left, {}, [](const auto& batch) { return batch.second.size(); });
    const int64_t seeds = std::ssize(fewest->second);
    out.push_back({.batch_size = fewest->first,
                   .reason = NotComparedReason::kTooFewSeeds,
                   .seeds = seeds,
                   .reached_seeds = seeds});
    left.erase(fewest);
  }
  if (CommonSeeds(left).size() < 2) return;
  costs = std::move(left);
  std::ranges::move(out, std::back_inserter(dropped));
}

void CompareTimes(const BatchCosts& costs, ThreadsAdvice& advice) {
  const std::vector<uint64_t> seeds = CommonSeeds(costs);
  advice.seeds = std::ssize(seeds);
  advice.time_to_target_seconds.clear();
  advice.energy_to_target_joules.clear();
  advice.fastest.reset();
  std::set<uint64_t> others;
  for (const auto& [batch_size, by_seed] : costs) {
    for (const auto& [seed, cost] : by_seed) {
      if (!std::ranges::contains(seeds, seed)) others.insert(seed);
    }
  }
  advice.other_seeds.assign(others.begin(), others.end());
  if (seeds.empty()) return;
  std::vector<int64_t> sizes;
  std::vector<std::vector<double>> seconds, joules;
  bool energy_is_known = true;
  for (const auto& [batch_size, by_seed] : costs) {
    sizes.push_back(batch_size);
    seconds.emplace_back();
    joules.emplace_back();
    for (const uint64_t seed : seeds) {
      const SeedCost& cost = by_seed.at(seed);
      seconds.back().push_back(cost.log_seconds);
      joules.back().push_back(cost.log_joules.value_or(0.0));
      energy_is_known = energy_is_known && cost.log_joules.has_value();
    }
  }
  advice.time_to_target_seconds = CompareCosts(sizes, seconds);
  if (energy_is_known) {
    advice.energy_to_target_joules = CompareCosts(sizes, joules);
  }
  for (const BatchCost& cost : advice.time_to_target_seconds) {
    if (cost.verdict == CostVerdict::kLeast) advice.fastest = cost.batch_size;
  }
}

// Of several cells the median, since the first process of a run is larger than
// the others.
void FindLeastMemory(const BatchCells& batches, ThreadsAdvice& advice) {
  std::map<int64_t, int64_t> peaks;  // of each batch size
  for (const auto& [batch_size, cells] : batches) {
    std::vector<int64_t> of_cells;
    for (const TrainedCell* cell : cells) {
      const auto peak = cell->summary.peak_rss_bytes;
      if (!peak) return;
      of_cells.push_back(*peak);
    }
    if (of_cells.empty()) continue;
    const auto middle = of_cells.begin() + std::ssize(of_cells) / 2;
    std::ranges::nth_element(of_cells, middle);
    peaks[batch_size] = *middle;
  }
  if (peaks.empty()) return;
  const int64_t least = std::ranges::min(peaks | std::views::values);
  advice.least_memory_bytes = least;
  for (const auto& [batch_size, peak] : peaks) {
    if (peak <= least + least / 100) advice.least_memory.push_back(batch_size);
  }
}

void FindExampleTimes(const BatchCells& batches, ThreadsAdvice& advice) {
  constexpr double kWorthSaving = 0.1;
  for (const auto& [batch_size, cells] : batches) {
    std::vector<double> logarithms;
    for (const TrainedCell* cell : cells) {
      const auto median = cell->summary.step_time_median_ns;
      if (median && *median > 0) {
        logarithms.push_back(std::log(static_cast<double>(*median) /
                                      static_cast<double>(batch_size)));
      }
    }
    if (logarithms.empty()) continue;
    advice.example_time_ns.push_back(
        {batch_size, std::exp(MeanOf(logarithms))});
  }
  if (advice.example_time_ns.size() < 2) return;
  // From the largest down, as long as what is larger saves too little.
  double least = advice.example_time_ns.back().value;
  for (const ExampleTime& time : advice.example_time_ns | std::views::reverse) {
    if (least < (1.0 - kWorthSaving) * time.value) break;
    least = std::min(least, time.value);
    advice.levels_off_at = time.batch_size;
  }
}

double MeanLogSeconds(const SeedCosts& by_seed) {
  std::vector<double> logarithms;
  for (const auto& [seed, cost] : by_seed) {
    logarithms.push_back(cost.log_seconds);
  }
  return MeanOf(logarithms);
}

// Batch sizes that were at the target by their first evaluations took that long
// at most. If one of these bounds is less than the times of all that are
// compared, its batch size is the fastest of them all the same.
void CompareWithEarliest(const BatchCosts& early, const BatchCosts& costs,
                         ThreadsAdvice& advice) {
  if (early.empty()) return;
  const auto earliest = std::ranges::min_element(
      early, {},
      [](const auto& batch) { return MeanLogSeconds(batch.second); });
  BatchCosts all = costs;
  all.insert(*earliest);
  ThreadsAdvice found = advice;
  CompareTimes(all, found);
  auto& times = found.time_to_target_seconds;
  const auto least = std::ranges::min_element(times, {}, &BatchCost::value);
  const bool loses_seeds = !costs.empty() && found.seeds < advice.seeds;
  if (loses_seeds || least == times.end() ||
      least->batch_size != earliest->first) {
    return;
  }
  least->at_most = true;
  least->low.reset();
  least->high.reset();
  found.energy_to_target_joules.clear();
  std::erase_if(found.not_compared, [&](const NotCompared& batch) {
    return batch.batch_size == earliest->first;
  });
  advice = std::move(found);
}

}  // namespace

ThreadsAdvice AdviseThreads(int threads, const BatchCells& batches,
                            const std::optional<AdviceTarget>& target,
                            double sample_hz) {
  ThreadsAdvice advice = {.threads = threads};
  FindLeastMemory(batches, advice);
  FindExampleTimes(batches, advice);
  BatchCosts costs, early;
  for (const auto& [batch_size, cells] : batches) {
    const auto reason = WhyNotCompared(batch_size, cells, target);
    if (reason) advice.not_compared.push_back(*reason);
    if (!target) continue;
    if (!reason) {
      costs[batch_size] = CostsOf(cells, *target, sample_hz);
    } else if (reason->reason == NotComparedReason::kByFirstEvaluation) {
      early[batch_size] = CostsOf(cells, *target, sample_hz);
    }
  }
  DropThoseOfFewSeeds(costs, advice.not_compared);
  CompareTimes(costs, advice);
  CompareWithEarliest(early, costs, advice);
  return advice;
}

}  // namespace batchsweep
