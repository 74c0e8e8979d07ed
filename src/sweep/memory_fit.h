// Whether a batch size fits into memory, before any of it is taken.
#ifndef BATCHSWEEP_SWEEP_MEMORY_FIT_H_
#define BATCHSWEEP_SWEEP_MEMORY_FIT_H_

#include <array>
#include <cstdint>
#include <optional>

#include "graph/layer.h"
#include "graph/memory_planner.h"
#include "model/loss.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "train/budget.h"
#include "train/optimizer.h"

namespace batchsweep {

// What training one batch size takes beside the dataset and the program.
struct CellMemory {
  std::array<int64_t, kMemoryClasses> bytes_by_class = {};  // before sharing
  int64_t arena_bytes = 0;                                  // after it
  int64_t rows_bytes = 0;                                   // see RowsBytes()

  int64_t total_bytes() const { return arena_bytes + rows_bytes; }
};

// Of what is kept of an epoch's steps and of all steps' times, and of the order
// of the examples.
int64_t RowsBytes(int64_t train_examples, int64_t batch_size,
                  const Budget& budget);

struct MemoryQuestion {
  const ModelSpec& model;
  const OptimizerConfig& optimizer;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  bool lean = false;
  int64_t train_examples = 0;
  Budget budget;
  ComputeContext context;
};

Result<CellMemory> PlanCellMemory(const MemoryQuestion& question,
                                  int64_t batch_size);

// An error, naming the largest batch size that fits, if `batch_size` needs more
// than `room_bytes`. `where` says whose room it is: "--memory-limit", ...
Status CheckFits(const MemoryQuestion& question, int64_t batch_size,
                 int64_t room_bytes, const char* where);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_MEMORY_FIT_H_
