#include "train/load.h"

#include <algorithm>

#include "graph/arithmetic.h"
#include "model/loss.h"

namespace batchsweep {
namespace {

// Shuffled rows come from all over memory. Asked for this many rows ahead they
// arrive in time; further ahead, they would fill the queue of cache misses.
constexpr int64_t kPrefetchRows = 4;
constexpr int64_t kLineBytes = 64;

// Values that are worth handing to a thread.
constexpr int64_t kTileValues = 8192;

// What one example's inputs and targets take from the dataset.
class ExampleLoader {
 public:
  ExampleLoader(const Dataset& dataset, const Kernels& kernels,
                Network& network)
      : dataset_(dataset),
        kernels_(kernels),
        network_(network),
        reads_(TraitsOf(network.loss()).reads),
        values_(network.input_size()) {}

  void Prefetch(uint32_t row) const {
    if (dataset_.images.empty()) {
      PrefetchBytes(dataset_.floats.data() + row * values_,
                    values_ * kFloatBytes);
    } else {
      PrefetchBytes(dataset_.images.data() + row * values_, values_);
    }
  }

  void Load(uint32_t row, int64_t place) const {
    LoadInput(row, network_.input() + place * values_);
    if (reads_ == GroundTruth::kLabel) {
      network_.labels()[place] = dataset_.labels[row];
      return;
    }
    const int64_t size = network_.output_size();
    float* target = network_.targets() + place * size;
    if (!dataset_.targets.empty()) {
      std::copy_n(dataset_.targets.data() + row * size, size, target);
    } else if (!dataset_.labels.empty()) {
      std::fill_n(target, size, 0.0f);
      target[dataset_.labels[row]] = 1.0f;
    } else {
      LoadInput(row, target);
    }
  }

 private:
  static void PrefetchBytes(const void* begin, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += kLineBytes) {
      __builtin_prefetch(static_cast<const char*>(begin) + i);
    }
  }

  void LoadInput(uint32_t row, float* to) const {
    constexpr float kScale = 1.0f / 255.0f;
    if (dataset_.images.empty()) {
      std::copy_n(dataset_.floats.data() + row * values_, values_, to);
    } else {
      kernels_.scale_u8(dataset_.images.data() + row * values_, values_, kScale,
                        to);
    }
  }

  const Dataset& dataset_;
  const Kernels& kernels_;
  Network& network_;
  const GroundTruth reads_;
  const int64_t values_;  // of one example's input
};

}  // namespace

void LoadBatch(const Dataset& dataset, std::span<const uint32_t> rows,
               const Kernels& kernels, ThreadPool& pool, Network& network) {
  const ExampleLoader loader(dataset, kernels, network);
  const auto size = static_cast<int64_t>(rows.size());
  const int64_t values = network.input_size();
  const int64_t least = std::max<int64_t>(1, kTileValues / values);
  pool.ParallelFor(
      size, TileOf(size, least, pool), [&](int64_t begin, int64_t count) {
        for (int64_t i = begin; i < begin + count; ++i) {
          if (i + kPrefetchRows < begin + count) {
            loader.Prefetch(rows[static_cast<size_t>(i + kPrefetchRows)]);
          }
          loader.Load(rows[static_cast<size_t>(i)], i);
        }
      });
}

}  // namespace batchsweep
