#include "record/advice.h"

#include <map>
#include <set>

#include "record/advice_text.h"

namespace batchsweep {
namespace {

// Those of a batch size that diverged with one seed tell of no target.
std::optional<AdviceTarget> TargetOf(const std::vector<TrainedCell>& cells) {
  std::set<int64_t> diverged;
  for (const TrainedCell& cell : cells) {
    if (cell.diverged()) diverged.insert(cell.summary.cell.batch_size);
  }
  std::vector<std::span<const EvaluationRecord>> trainings;
  for (const TrainedCell& cell : cells) {
    if (diverged.contains(cell.summary.cell.batch_size)) continue;
    trainings.emplace_back(cell.evaluations);
  }
  return TargetOfAll(trainings);
}

}  // namespace

std::optional<Advice> Advise(const AdviceInput& input) {
  if (input.summaries.empty()) return std::nullopt;
  const AdviceCells cells =
      CellsOf(input.summaries, input.evaluations, input.warnings);
  Advice advice = {
      .target = input.target ? input.target : TargetOf(cells.trained),
      .left_out = cells.disturbed,
      .largest_batch_size = input.largest_batch_size};
  std::map<int, BatchCells> by_threads;
  for (const DisturbedCell& disturbed : cells.disturbed) {
    by_threads[disturbed.cell.threads][disturbed.cell.batch_size];
  }
  for (const TrainedCell& trained : cells.trained) {
    const CellKey& cell = trained.summary.cell;
    by_threads[cell.threads][cell.batch_size].push_back(&trained);
  }
  for (const auto& [threads, batches] : by_threads) {
    advice.answers.push_back(
        AdviseThreads(threads, batches, advice.target, input.sample_hz));
  }
  advice.sentences = AdviceSentences(advice);
  if (cells.slow_clock) {
    advice.sentences.emplace_back(
        "The CPU ran below its highest clock throughout.");
  }
  return advice;
}

}  // namespace batchsweep
