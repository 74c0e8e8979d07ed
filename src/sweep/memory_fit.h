// Whether a batch size fits into memory, before any of it is taken.
#ifndef BATCHSWEEP_SWEEP_MEMORY_FIT_H_
#define BATCHSWEEP_SWEEP_MEMORY_FIT_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "graph/layer.h"
#include "graph/memory_planner.h"
#include "graph/network_plan.h"
#include "model/loss.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "sweep/sweep_config.h"
#include "train/budget.h"
#include "train/optimizer.h"
#include "train/training_data.h"

namespace batchsweep {

// How much a cell trains, and how often the board is read meanwhile.
struct TrainingExtent {
  int64_t train_examples = 0;
  int64_t scored_examples = 0;  // in the largest part that is evaluated
  Budget budget;
  double sample_hz = 0.0;
  // Pages of mapped datasets that may be in RAM at a time. They are no part of
  // RecordingBytes(), since the system can take them back.
  int64_t mapped_resident_bytes = 0;
};
TrainingExtent ExtentOf(const SweepConfig& config, const TrainingData& data);

// What a cell takes beside the tensors, however long it runs: an epoch's steps
// as they were measured and their rows on the way to the files, its readings,
// the order of its examples, the cell's step times, and the statistics of these
// or the order of those scored, whichever is more.
int64_t RecordingBytes(const TrainingExtent& extent, int64_t batch_size);

// What training one batch size takes beside the dataset and the program.
struct CellMemory {
  std::array<int64_t, kMemoryClasses> bytes_by_class = {};  // before sharing
  int64_t arena_bytes = 0;                                  // after it
  int64_t recording_bytes = 0;  // see RecordingBytes()

  int64_t total_bytes() const { return arena_bytes + recording_bytes; }
};

struct MemoryQuestion {
  const ModelSpec& model;
  const OptimizerConfig& optimizer;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  bool lean = false;
  bool fuses_updates = false;
  TrainingExtent extent;
  ComputeContext context;  // its chooser is that of the choices
  std::span<const NetworkChoices> choices;  // see ChoicesFor()
};

// The network that a cell of that batch size trains.
Result<NetworkPlan> PlanOf(const MemoryQuestion& question, int64_t batch_size);

Result<CellMemory> PlanCellMemory(const MemoryQuestion& question,
                                  int64_t batch_size);

// Memory for a cell, and what has taken the rest.
struct MemoryLeft {
  int64_t bytes = 0;
  std::string where;  // whose: "--memory-limit", "this machine", ...
  int64_t dataset_bytes = 0;
  int64_t program_bytes = 0;
};

// An error, naming the largest batch size that fits and what takes the room, if
// `batch_size` needs more than is left.
Status CheckFits(const MemoryQuestion& question, int64_t batch_size,
                 const MemoryLeft& left);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_MEMORY_FIT_H_
