#include "sweep/sweep.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "platform/memory.h"
#include "platform/process.h"
#include "sweep/cell_run.h"
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
    for (int64_t seed = 1; seed <= config.seeds; ++seed) {
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

Result<SweepResult> RunRound(const SweepConfig& config,
                             const TrainingData& data, const Kernels& kernels,
                             Sensors& sensors, SweepPosition position,
                             SweepObserver& observer) {
  const std::vector<CellKey> cells = SweepCells(config);
  const auto count = static_cast<int64_t>(cells.size());
  const int64_t round = count / config.processes;
  const int64_t end = (position.cells_done / round + 1) * round;
  while (position.cells_done < std::min(end, count)) {
    const int64_t cell = position.cells_done;
    const auto base_rss_bytes = ReadProcessMemory().rss_bytes;
    const CellKey& next = cells[static_cast<size_t>(cell)];
    RETURN_IF_ERROR(RunInChild(CellName(next), [&] {
      return RunCell(config, data, kernels, sensors, base_rss_bytes, position,
                     observer);
    }));
    ASSIGN_OR_RETURN(position, LoadCheckpoint(config.out / "checkpoint"));
    if (position.cells_done == cell) {
      return SweepResult{.position = std::move(position), .interrupted = true};
    }
  }
  return SweepResult{.position = std::move(position)};
}

}  // namespace batchsweep
