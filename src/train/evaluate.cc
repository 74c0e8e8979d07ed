#include "train/evaluate.h"

#include "data/batcher.h"
#include "kernels/denormals.h"

namespace batchsweep {
namespace {

// Shuffled rows come from all over memory. Asked for this many rows ahead they
// arrive in time; further ahead, they would fill the queue of cache misses.
constexpr size_t kPrefetchRows = 4;
constexpr int64_t kLineBytes = 64;

void Prefetch(const uint8_t* row, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(row + i);
}

}  // namespace

void LoadBatch(const Dataset& dataset, std::span<const uint32_t> rows,
               const Kernels& kernels, Network& network) {
  constexpr float kScale = 1.0f / 255.0f;
  const int64_t pixels = network.input_size();
  const uint8_t* images = dataset.images.data();
  float* input = network.input();
  uint8_t* labels = network.labels();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kPrefetchRows < rows.size()) {
      Prefetch(images + rows[i + kPrefetchRows] * pixels, pixels);
    }
    kernels.scale_u8(images + rows[i] * pixels, pixels, kScale, input);
    input += pixels;
    labels[i] = dataset.labels[rows[i]];
  }
}

Result<Evaluation> Evaluate(ExampleRange range, int64_t batch,
                            const Kernels& kernels, Network& network) {
  const ScopedFlushDenormals flush_denormals;
  Batcher batcher(range, {.shuffle = false});
  batcher.StartEpoch(1);
  double loss_sum = 0.0;
  int64_t correct = 0;
  for (auto rows = batcher.Next(batch); !rows.empty();
       rows = batcher.Next(batch)) {
    RETURN_IF_ERROR(network.SetBatch(static_cast<int64_t>(rows.size())));
    LoadBatch(*range.dataset, rows, kernels, network);
    network.Forward();
    const BatchScore score = network.Loss();
    loss_sum += score.loss_sum;
    correct += score.correct;
  }
  const auto examples = static_cast<double>(range.size());
  return Evaluation{.loss = loss_sum / examples,
                    .accuracy = static_cast<double>(correct) / examples};
}

}  // namespace batchsweep
