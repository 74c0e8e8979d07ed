#include "record/advice_text.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <optional>
#include <ranges>
#include <span>

#include "record/advice.h"
#include "record/cost_text.h"
#include "record/text_table.h"

namespace batchsweep {
namespace {

// "validation loss 0.36"
std::string TargetText(const AdviceTarget& target) {
  const auto text = [&](const char* what) {
    return std::format("{} {:.6g}", what, target.value);
  };
  switch (target.measure) {
    case TargetMeasure::kValLoss:
      return text("validation loss");
    case TargetMeasure::kSubsetLoss:
      return text("training loss");
    case TargetMeasure::kValAccuracy:
      return text("validation accuracy");
  }
  return "";
}

// "8 and 32 were disturbed each time": what `those` have in common.
// REQUIRES: there is one.
std::string WhyNotText(const std::vector<NotCompared>& those) {
  std::vector<int64_t> sizes;
  for (const NotCompared& batch : those) sizes.push_back(batch.batch_size);
  const std::string names = Joined(sizes);
  const bool one = sizes.size() == 1;
  const NotCompared& first = those.front();
  switch (first.reason) {
    case NotComparedReason::kDiverged:
      return names + " diverged";
    case NotComparedReason::kDisturbed:
      return std::format("{} {} disturbed each time", names,
                         one ? "was" : "were");
    case NotComparedReason::kNotReached:
      if (first.reached_seeds == 0) return names + " did not reach it";
      return std::format("{} reached it with {} of {} only", names,
                         first.reached_seeds, SeedsText(first.seeds));
    case NotComparedReason::kByFirstEvaluation:
      return std::format(
          "{} {} there by {} first evaluation (--val-every tells when)", names,
          one ? "was" : "were", one ? "its" : "their");
    case NotComparedReason::kTooFewSeeds:
      return std::format("{} {} only {} to compare", names,
                         one ? "has" : "have", SeedsText(first.seeds));
  }
  return "";
}

const BatchCost& LeastOf(std::span<const BatchCost> costs) {
  return *std::ranges::min_element(costs, {}, &BatchCost::value);
}

// "; 128 diverged; 512 did not reach it", by reason.
std::string NotComparedText(std::span<const NotCompared> batches) {
  const auto alike = [](const NotCompared& a, const NotCompared& b) {
    return a.reason == b.reason && a.seeds == b.seeds &&
           a.reached_seeds == b.reached_seeds;
  };
  std::vector<std::vector<NotCompared>> groups;
  for (const NotCompared& batch : batches) {
    const auto group = std::ranges::find_if(
        groups, [&](const auto& those) { return alike(those.front(), batch); });
    if (group == groups.end()) {
      groups.push_back({batch});
    } else {
      group->push_back(batch);
    }
  }
  std::string text;
  for (const auto& those : groups) text += "; " + WhyNotText(those);
  return text;
}

const char* InOrWithin(const BatchCost& cost) {
  return cost.at_most ? "within" : "in";
}

// Of those seeds, so that they can differ.
int64_t SeedsToTry(int64_t seeds) { return seeds < 5 ? 5 : 2 * seeds; }

// Whether one that is not compared may be faster than those that are.
bool MayBeFaster(const NotCompared& batch) {
  switch (batch.reason) {
    case NotComparedReason::kDiverged:
    case NotComparedReason::kNotReached:
      return false;
    case NotComparedReason::kDisturbed:
    case NotComparedReason::kByFirstEvaluation:
    case NotComparedReason::kTooFewSeeds:
      return true;
  }
  return false;
}

std::string OneSeedText(const ThreadsAdvice& threads,
                        const AdviceTarget& target) {
  const auto& times = threads.time_to_target_seconds;
  const BatchCost& least = LeastOf(times);
  const bool several = times.size() > 1;
  const std::string reached =
      std::format("with one seed, {} reached {} {}{} {}", least.batch_size,
                  TargetText(target), several ? "first, " : "",
                  InOrWithin(least), SecondsText(least, 1));
  const std::string others = NotComparedText(threads.not_compared);
  if (!several) {
    return std::format(
        "{}, not enough to tell how far that varies: run with --seeds 5{}",
        reached, others);
  }
  return std::format(
      "not enough to tell which batch size is fastest: run with --seeds 5; "
      "{}{}",
      reached, others);
}

// Where no time is known.
std::string NothingReachedText(const ThreadsAdvice& threads,
                               const std::optional<AdviceTarget>& target) {
  std::string reasons = NotComparedText(threads.not_compared);
  if (reasons.empty()) reasons = "; no seed is common to all batch sizes";
  const std::string question =
      target ? std::format("reaches {} first", TargetText(*target))
             : "is fastest";
  return std::format("not enough to tell which batch size {}: {}", question,
                     reasons.substr(2));
}

void AddSpeed(const ThreadsAdvice& threads,
              const std::optional<AdviceTarget>& target,
              std::vector<std::string>& sentences) {
  const auto& times = threads.time_to_target_seconds;
  if (times.empty() || !target) {
    if (threads.not_compared.empty() && threads.other_seeds.empty()) return;
    sentences.push_back(NothingReachedText(threads, target));
    return;
  }
  if (threads.seeds < 2) {
    sentences.push_back(OneSeedText(threads, *target));
    return;
  }
  const BatchCost& least = LeastOf(times);
  const bool others = std::ranges::any_of(threads.not_compared, MayBeFaster);
  sentences.push_back(std::format(
      "{}{} reaches {} {} {}{}{}", others ? "of those compared, " : "",
      least.batch_size, TargetText(*target), InOrWithin(least),
      SecondsText(least, threads.seeds), OthersText(times, "long"),
      NotComparedText(threads.not_compared)));
  const bool told =
      std::ranges::contains(times, CostVerdict::kMore, &BatchCost::verdict);
  if (times.size() > 1 && !told) {
    sentences.push_back(
        std::format("not enough to tell which is fastest: run with --seeds {}",
                    SeedsToTry(threads.seeds)));
  }
}

void AddEnergy(const ThreadsAdvice& threads,
               std::vector<std::string>& sentences) {
  const auto& energies = threads.energy_to_target_joules;
  if (energies.size() < 2 || threads.seeds < 2) return;
  const BatchCost& least = LeastOf(energies);
  sentences.push_back(std::format(
      "{} needs the least energy for that, {}{}", least.batch_size,
      JoulesText(least, threads.seeds), OthersText(energies, "much")));
}

// What memory and examples cost, where there are batch sizes to compare.
void AddCosts(const ThreadsAdvice& threads,
              const std::optional<int64_t>& largest_batch_size,
              std::vector<std::string>& sentences) {
  const size_t batches = threads.example_time_ns.size();
  std::vector<std::string> parts;
  if (threads.least_memory_bytes && batches > 1) {
    const bool all = threads.least_memory.size() >= batches;
    const bool one = threads.least_memory.size() == 1;
    parts.push_back(std::format("{} {} ({})",
                                all ? "all" : Joined(threads.least_memory),
                                all   ? "need about the same memory"
                                : one ? "needs the least memory"
                                      : "need the least memory",
                                FormatBytes(*threads.least_memory_bytes)));
  }
  if (threads.levels_off_at) {
    const int64_t size = *threads.levels_off_at;
    const bool falls = size == threads.example_time_ns.back().batch_size;
    parts.push_back(std::format("time per example {} at {}",
                                falls ? "still falls" : "stops falling", size));
  }
  if (largest_batch_size) {
    parts.push_back(std::format("the largest batch size that fits is {}",
                                *largest_batch_size));
  }
  std::string sentence;
  for (const std::string& part : parts) {
    sentence += (sentence.empty() ? "" : "; ") + part;
  }
  if (!sentence.empty()) sentences.push_back(sentence);
}

std::string LeftOutText(std::span<const DisturbedCell> cells) {
  constexpr size_t kShown = 3;
  std::string text;
  for (const DisturbedCell& disturbed : cells | std::views::take(kShown)) {
    const CellKey& cell = disturbed.cell;
    text +=
        std::format("{}{}, seed {} ({})", text.empty() ? "batch size " : "; ",
                    cell.batch_size, cell.seed, Joined(disturbed.reasons));
  }
  if (cells.size() > kShown) {
    text += std::format("; and {} more", cells.size() - kShown);
  }
  return "left out as disturbed: " + text;
}

std::string OtherSeedsText(const std::vector<uint64_t>& seeds) {
  return std::format(
      "seed{} left out, since not all of these batch sizes have {}",
      seeds.size() == 1 ? std::format(" {} is", seeds.front())
                        : std::format("s {} are", Joined(seeds)),
      seeds.size() == 1 ? "it" : "them");
}

std::string Finished(const std::string& prefix, std::string sentence) {
  if (prefix.empty()) {
    sentence[0] = static_cast<char>(
        std::toupper(static_cast<unsigned char>(sentence[0])));
  }
  return prefix + sentence + ".";
}

}  // namespace

std::vector<std::string> AdviceSentences(const Advice& advice) {
  std::vector<std::string> finished;
  for (const ThreadsAdvice& threads : advice.answers) {
    std::vector<std::string> sentences;
    AddSpeed(threads, advice.target, sentences);
    AddEnergy(threads, sentences);
    AddCosts(threads, advice.largest_batch_size, sentences);
    if (!threads.other_seeds.empty()) {
      sentences.push_back(OtherSeedsText(threads.other_seeds));
    }
    std::string prefix;
    if (advice.answers.size() > 1) {
      prefix = std::format("With {} thread{}, ", threads.threads,
                           threads.threads == 1 ? "" : "s");
    }
    for (const std::string& sentence : sentences) {
      finished.push_back(Finished(prefix, sentence));
    }
  }
  if (!advice.left_out.empty()) {
    finished.push_back(Finished("", LeftOutText(advice.left_out)));
  }
  return finished;
}

}  // namespace batchsweep
