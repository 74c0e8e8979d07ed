#include "sweep/sweep_config.h"

#include <span>

#include "util/rng.h"

namespace batchsweep {
namespace {

constexpr uint64_t kOrderStream = 0x04de;

}  // namespace

OptimizerConfig OptimizerOf(const SweepConfig& config, int64_t batch_size) {
  return ScaledOptimizer(config.optimizer, config.rules, batch_size);
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
