#include "record/advice_cells.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "measure/clean_rules.h"
#include "measure/step_flags.h"

namespace batchsweep {
namespace {

auto OrderOf(const CellKey& cell) {
  return std::tuple(cell.batch_size, cell.threads, cell.seed, cell.process);
}

bool TellsOfDisturbedSteps(const std::string& name) {
  for (int i = static_cast<int>(StepFlag::kThrottled); i < kStepFlags; ++i) {
    if (name == NameOf(static_cast<StepFlag>(i))) return true;
  }
  return false;
}

// Of each cell's name, the names of its warnings that tell of disturbed steps:
// CellWarnings() begins a message with the cell's name and a colon.
using Disturbances = std::map<std::string, std::vector<std::string>>;
Disturbances DisturbancesOf(std::span<const Warning> warnings) {
  Disturbances found;
  for (const Warning& warning : warnings) {
    if (!TellsOfDisturbedSteps(warning.name)) continue;
    const std::string cell =
        warning.message.substr(0, warning.message.find(':'));
    found[cell].push_back(warning.name);
  }
  return found;
}

// Whether the steps that were not flagged took about as long as all did.
bool IsHarmless(const SummaryRecord& summary) {
  const int64_t clean =
      summary.steps - summary.warmup_steps - summary.flagged_steps;
  if (clean < kFewSteps || !summary.step_time_median_ns ||
      !summary.clean_step_time_median_ns) {
    return false;
  }
  const auto all = static_cast<double>(*summary.step_time_median_ns);
  return std::abs(all -
                  static_cast<double>(*summary.clean_step_time_median_ns)) <=
         kHarmless * all;
}

// None for a cell that counts.
std::vector<std::string> ReasonsToLeaveOut(const SummaryRecord& summary,
                                           const Disturbances& disturbances) {
  const auto told = disturbances.find(CellName(summary.cell));
  std::vector<std::string> names;
  if (told != disturbances.end()) names = told->second;
  const bool flagged = static_cast<double>(summary.flagged_steps) >
                       kMostFlagged * static_cast<double>(summary.steps);
  const bool swapped = std::ranges::contains(names, NameOf(StepFlag::kSwap));
  if ((!flagged || IsHarmless(summary)) && !swapped) return {};
  if (names.empty()) names.emplace_back("flagged steps");
  return names;
}

}  // namespace

AdviceCells CellsOf(std::span<const SummaryRecord> summaries,
                    std::span<const EvaluationRecord> evaluations,
                    std::span<const Warning> warnings) {
  struct Candidate {
    TrainedCell cell;
    std::vector<std::string> reasons;
  };
  const Disturbances disturbances = DisturbancesOf(warnings);
  const std::vector<std::string> slow = {NameOf(StepFlag::kSlowClock)};
  std::map<decltype(OrderOf(CellKey())), Candidate> candidates;
  AdviceCells found = {.slow_clock = !summaries.empty()};
  for (const SummaryRecord& summary : summaries) {
    Candidate& candidate = candidates[OrderOf(summary.cell)];
    candidate.cell.summary = summary;
    candidate.reasons = ReasonsToLeaveOut(summary, disturbances);
    found.slow_clock = found.slow_clock && candidate.reasons == slow;
  }
  // Those of a cell need not be neighbours: rows of further epochs stand behind
  // those of all cells.
  for (const EvaluationRecord& evaluation : evaluations) {
    const auto candidate = candidates.find(OrderOf(evaluation.cell));
    if (candidate == candidates.end()) continue;
    candidate->second.cell.evaluations.push_back(evaluation);
  }
  for (auto& [order, candidate] : candidates) {
    if (candidate.reasons.empty() || found.slow_clock) {
      found.trained.push_back(std::move(candidate.cell));
    } else {
      found.disturbed.push_back(
          {candidate.cell.summary.cell, std::move(candidate.reasons)});
    }
  }
  return found;
}

}  // namespace batchsweep
