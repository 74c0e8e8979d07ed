#include "sweep/memory_fit.h"

#include <algorithm>

#include "graph/network_plan.h"
#include "train/cell_totals.h"
#include "train/epoch_measurements.h"

namespace batchsweep {
namespace {

constexpr int64_t kMebibyte = 1024 * 1024;

// Rounded up, so that a limit of the number printed is enough.
int64_t Mebibytes(int64_t bytes) { return (bytes + kMebibyte - 1) / kMebibyte; }

// 0 if not even one example fits. Memory grows with the batch, so halving finds
// it.
Result<int64_t> LargestBatch(const MemoryQuestion& question, int64_t too_large,
                             int64_t room_bytes) {
  int64_t fits = 0;
  while (too_large - fits > 1) {
    const int64_t middle = fits + (too_large - fits) / 2;
    ASSIGN_OR_RETURN(const CellMemory memory, PlanCellMemory(question, middle));
    (memory.total_bytes() <= room_bytes ? fits : too_large) = middle;
  }
  return fits;
}

}  // namespace

int64_t RowsBytes(int64_t train_examples, int64_t batch_size,
                  const Budget& budget) {
  const int64_t epoch_steps = (train_examples + batch_size - 1) / batch_size;
  const int64_t steps = PlannedSteps(budget, epoch_steps).value_or(kKeptSteps);
  return epoch_steps * int64_t{sizeof(StepMeasurement) + sizeof(StepFlags)} +
         std::min(steps, kKeptSteps) *
             int64_t{sizeof(float) + sizeof(StepFlags)} +
         train_examples * int64_t{sizeof(uint32_t)};
}

Result<CellMemory> PlanCellMemory(const MemoryQuestion& question,
                                  int64_t batch_size) {
  ASSIGN_OR_RETURN(
      const NetworkPlan plan,
      PlanNetwork(question.model,
                  {.max_batch = batch_size,
                   .optimizer_slots = OptimizerSlots(question.optimizer),
                   .loss = question.loss,
                   .lean = question.lean},
                  question.context));
  return CellMemory{.bytes_by_class = plan.memory.BytesByClass(),
                    .arena_bytes = plan.memory.arena_bytes(),
                    .rows_bytes = RowsBytes(question.train_examples, batch_size,
                                            question.budget)};
}

Status CheckFits(const MemoryQuestion& question, int64_t batch_size,
                 int64_t room_bytes, const char* where) {
  ASSIGN_OR_RETURN(const CellMemory memory,
                   PlanCellMemory(question, batch_size));
  if (memory.total_bytes() <= room_bytes) return {};
  ASSIGN_OR_RETURN(const int64_t largest,
                   LargestBatch(question, batch_size, room_bytes));
  if (largest == 0) {
    return Fail(
        "batch size {} needs {} MiB beside program and data but {} leaves {} "
        "MiB, too little for any; choose a smaller model",
        batch_size, Mebibytes(memory.total_bytes()), where,
        room_bytes / kMebibyte);
  }
  return Fail(
      "batch size {} needs {} MiB beside program and data but {} leaves {} "
      "MiB; the largest that fits is {}",
      batch_size, Mebibytes(memory.total_bytes()), where,
      room_bytes / kMebibyte, largest);
}

}  // namespace batchsweep
