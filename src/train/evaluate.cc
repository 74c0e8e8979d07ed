#include "train/evaluate.h"

#include "data/batcher.h"
#include "data/page_budget.h"
#include "kernels/denormals.h"
#include "model/loss.h"
#include "train/load.h"

namespace batchsweep {

Result<Evaluation> Evaluate(ExampleRange range, int64_t batch,
                            const Kernels& kernels, ThreadPool& load_pool,
                            Network& network) {
  const ScopedFlushDenormals flush_denormals;
  Batcher batcher(range, {.shuffle = false});
  batcher.StartEpoch(1);
  PageBudget pages(*range.dataset);
  double loss_sum = 0.0;
  int64_t correct = 0;
  for (auto rows = batcher.Next(batch); !rows.empty();
       rows = batcher.Next(batch)) {
    RETURN_IF_ERROR(network.SetBatch(static_cast<int64_t>(rows.size())));
    LoadBatch(*range.dataset, rows, kernels, load_pool, network);
    network.Forward({.training = false});
    const BatchScore score = network.ScoreOutputs();
    loss_sum += score.loss_sum;
    correct += score.correct;
    RETURN_IF_ERROR(pages.HaveRead(std::ssize(rows)));
  }
  RETURN_IF_ERROR(pages.Close());
  const auto examples = static_cast<double>(range.size());
  Evaluation evaluation{.loss = loss_sum / examples, .accuracy = {}};
  if (TraitsOf(network.loss()).tells_classes) {
    evaluation.accuracy = static_cast<double>(correct) / examples;
  }
  return evaluation;
}

}  // namespace batchsweep
