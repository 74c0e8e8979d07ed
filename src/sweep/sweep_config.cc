#include "sweep/sweep_config.h"

#include <cmath>
#include <span>
#include <utility>

#include "util/rng.h"

namespace batchsweep {
namespace {

constexpr uint64_t kOrderStream = 0x04de;

}  // namespace

float ScaledLearningRate(float learning_rate, LrRule rule, int64_t batch_size) {
  const float ratio = static_cast<float>(batch_size) / 32.0f;
  switch (rule) {
    case LrRule::kNone:
      return learning_rate;
    case LrRule::kSqrt:
      return learning_rate * std::sqrt(ratio);
    case LrRule::kLinear:
      return learning_rate * ratio;
  }
  std::unreachable();
}

std::vector<CellKey> SweepCells(const SweepConfig& config) {
  std::vector<CellKey> cells;
  for (int process = 1; process <= config.processes; ++process) {
    const size_t round = cells.size();
    for (const int64_t seed : config.seeds) {
      for (const int threads : config.threads) {
        for (const int64_t batch_size : config.batch_sizes) {
          cells.push_back({.batch_size = batch_size,
                           .seed = static_cast<uint64_t>(seed),
                           .threads = threads,
                           .process = process});
        }
      }
    }
    if (config.order == CellOrder::kShuffled) {
      Rng rng(static_cast<uint64_t>(process), kOrderStream);
      Shuffle(std::span(cells).subspan(round), rng);
    }
  }
  return cells;
}

}  // namespace batchsweep
