#include "sweep/memory_fit.h"

#include <algorithm>
#include <cstdint>
#include <format>
#include <set>

#include "data/page_budget.h"
#include "graph/network_plan.h"
#include "measure/reading_buffer.h"
#include "measure/readings.h"
#include "measure/step_statistics.h"
#include "sweep/kernel_choices.h"
#include "train/epoch_measurements.h"
#include "train/epoch_recorder.h"

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

// Validation and test may be of one dataset.
int64_t MappedResidentBytes(const TrainingData& data) {
  const std::set<const Dataset*> datasets = {
      data.train.dataset, data.validation.dataset, data.test.dataset};
  int64_t bytes = 0;
  for (const Dataset* dataset : datasets) {
    bytes += std::min(dataset->mapped_bytes(), kPageBudgetBytes);
  }
  return bytes;
}

}  // namespace

TrainingExtent ExtentOf(const SweepConfig& config, const TrainingData& data) {
  const ExampleRange subset =
      data.train.First(config.target_examples.value_or(0));
  return {.train_examples = data.train.size(),
          .scored_examples = std::max(
              {data.validation.size(), data.test.size(), subset.size()}),
          .budget = config.budget,
          .sample_hz = config.sample_hz,
          .mapped_resident_bytes = MappedResidentBytes(data)};
}

int64_t RecordingBytes(const TrainingExtent& extent, int64_t batch_size) {
  constexpr int64_t kRowNumber = sizeof(uint32_t);
  const int64_t epoch_steps =
      (extent.train_examples + batch_size - 1) / batch_size;
  const int64_t kept =
      std::min(kKeptSteps,
               PlannedSteps(extent.budget, epoch_steps).value_or(kKeptSteps));
  const int64_t readings =
      extent.sample_hz > 0.0 ? static_cast<int64_t>(kMostReadings) : 0;
  return epoch_steps * int64_t{sizeof(StepMeasurement)} +
         EpochRecorder::Bytes(epoch_steps) +
         readings * (int64_t{sizeof(Reading)} + Readings::BytesEach()) +
         extent.train_examples * kRowNumber +
         kept * int64_t{sizeof(float) + sizeof(StepFlags)} +
         std::max(DescribeStepsBytes(kept),
                  extent.scored_examples * kRowNumber);
}

Result<NetworkPlan> PlanOf(const MemoryQuestion& question, int64_t batch_size) {
  auto chooser = ChooserFor(question.choices, batch_size,
                            question.context.pool->threads());
  ComputeContext context = question.context;
  if (chooser) context.chooser = &*chooser;
  return PlanNetwork(question.model,
                     {.max_batch = batch_size,
                      .optimizer_slots = OptimizerSlots(question.optimizer),
                      .loss = question.loss,
                      .lean = question.lean,
                      .fuses_updates = question.fuses_updates},
                     context);
}

Result<CellMemory> PlanCellMemory(const MemoryQuestion& question,
                                  int64_t batch_size) {
  ASSIGN_OR_RETURN(const NetworkPlan plan, PlanOf(question, batch_size));
  return CellMemory{
      .bytes_by_class = plan.memory.BytesByClass(),
      .arena_bytes = plan.memory.arena_bytes(),
      .recording_bytes = RecordingBytes(question.extent, batch_size)};
}

Status CheckFits(const MemoryQuestion& question, int64_t batch_size,
                 const MemoryLeft& left) {
  ASSIGN_OR_RETURN(const CellMemory memory,
                   PlanCellMemory(question, batch_size));
  if (memory.total_bytes() <= left.bytes) return {};
  ASSIGN_OR_RETURN(const int64_t largest,
                   LargestBatch(question, batch_size, left.bytes));
  const std::string needs = std::format(
      "batch size {} needs {} MiB, {} for tensors and {} for recording, but {} "
      "leaves {} MiB beside {} for the dataset and {} for the program",
      batch_size, Mebibytes(memory.total_bytes()),
      Mebibytes(memory.arena_bytes), Mebibytes(memory.recording_bytes),
      left.where, left.bytes / kMebibyte, Mebibytes(left.dataset_bytes),
      Mebibytes(left.program_bytes));
  if (largest == 0) {
    return Fail("{}, too little for any; choose a smaller model or dataset",
                needs);
  }
  return Fail("{}; the largest that fits is {}", needs, largest);
}

}  // namespace batchsweep
