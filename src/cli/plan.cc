#include <algorithm>
#include <format>
#include <span>
#include <utility>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "data/page_budget.h"
#include "graph/network_plan.h"
#include "model/cost.h"
#include "record/summary_table.h"
#include "sweep/memory_fit.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

namespace {

// The memory of the arena that goes by a layer's name.
int64_t BytesOf(const std::string& layer, const MemoryPlanner& planner) {
  int64_t bytes = 0;
  for (const TensorPlan& tensor : planner.tensors()) {
    const bool own = tensor.name.starts_with(layer + "/") ||
                     tensor.name.starts_with(layer + " output");
    if (own) bytes += tensor.bytes;
  }
  return bytes;
}

// What each layer costs at one batch size. A layer that is built into another,
// or computes nothing, takes no memory of its own.
void PrintLayers(const ModelSpec& model, const NetworkPlan& plan,
                 int64_t batch_size) {
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  const std::vector<int64_t> flops = ForwardFlops(model);
  std::vector<std::vector<std::string>> rows = {
      {"layer", "output", "weights", "forward MFLOP", "memory"}};
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const std::string& name = LayerName(model.layers[i]);
    int64_t weights = 0;
    for (const ParamSpec& param : plan.params.specs) {
      if (param.name.starts_with(name + "/")) weights += param.shape.elements();
    }
    rows.push_back(
        {Escaped(name), shapes[i].ToString(), std::to_string(weights),
         std::format("{:.2f}",
                     static_cast<double>(flops[i] * batch_size) / 1e6),
         FormatBytes(BytesOf(name, plan.memory))});
  }
  PrintOutput(
      "\nLayers at batch size {}, the memory of outputs, gradients and "
      "workspace\nbefore sharing:\n\n{}",
      batch_size, AlignedTable(rows));
}

// A row a class, a column a batch size.
Result<std::string> MemoryTable(const MemoryQuestion& question,
                                std::span<const int64_t> batch_sizes,
                                const DataMemory& data) {
  std::vector<std::vector<std::string>> rows(1, {"batch size"});
  for (int i = 0; i < kMemoryClasses; ++i) {
    rows.push_back({MemoryClassName(static_cast<MemoryClass>(i))});
  }
  rows.push_back({"arena, after sharing"});
  rows.push_back({"recording"});
  rows.push_back({"dataset"});
  // At most so much of it, since pages are given back: see data/page_budget.h.
  if (data.mapped_bytes > 0) rows.push_back({"dataset, mapped"});
  rows.push_back({"in all"});
  for (const int64_t batch_size : batch_sizes) {
    ASSIGN_OR_RETURN(const CellMemory memory,
                     PlanCellMemory(question, batch_size));
    size_t row = 0;
    rows[row++].push_back(std::to_string(batch_size));
    for (const int64_t bytes : memory.bytes_by_class) {
      rows[row++].push_back(FormatBytes(bytes));
    }
    rows[row++].push_back(FormatBytes(memory.arena_bytes));
    rows[row++].push_back(FormatBytes(memory.recording_bytes));
    rows[row++].push_back(FormatBytes(data.resident_bytes));
    if (data.mapped_bytes > 0) {
      rows[row++].push_back(FormatBytes(data.most_mapped_resident_bytes));
    }
    rows[row++].push_back(FormatBytes(memory.total_bytes() +
                                      data.resident_bytes +
                                      data.most_mapped_resident_bytes));
  }
  return AlignedTable(rows);
}

// Six batch sizes are as many as fit 80 columns; more have a table behind it.
Status PrintMemory(const MemoryQuestion& question,
                   std::span<const int64_t> batch_sizes,
                   const DataMemory& data) {
  constexpr size_t kBatchSizesInATable = 6;
  while (!batch_sizes.empty()) {
    const size_t count = std::min(batch_sizes.size(), kBatchSizesInATable);
    ASSIGN_OR_RETURN(const std::string table,
                     MemoryTable(question, batch_sizes.first(count), data));
    PrintOutput("\n{}", table);
    batch_sizes = batch_sizes.subspan(count);
  }
  return {};
}

}  // namespace

Result<int> PlanCommand(RunOptions options) {
  ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(options.model));
  options.sweep.model = std::move(loaded.spec);
  const ModelSpec& model = options.sweep.model;
  RETURN_IF_ERROR(CompleteOptions(options));
  ASSIGN_OR_RETURN(const Engine engine, StartEngine(options.sweep.threads));
  ASSIGN_OR_RETURN(const LoadedData data, LoadData(options));
  ThreadPool pool(1);  // the plan is the same for any number
  const ComputeContext context{.kernels = engine.kernels, .pool = &pool};
  const MemoryQuestion question = QuestionOf(options, data, context);

  PrintOutput(
      "Memory of training {} on {} with {}, beside the program itself:\n",
      Escaped(model.name), Escaped(data.source->name), options.optimizer.name);
  const DataMemory data_memory = MemoryOf(*data.source);
  RETURN_IF_ERROR(
      PrintMemory(question, options.sweep.batch_sizes, data_memory));
  if (data_memory.mapped_bytes > 0) {
    PrintOutput(
        "\n{} of the dataset are mapped: they stay in their files, and of "
        "them\n"
        "only what the table says is in memory at a time.\n",
        FormatBytes(data_memory.mapped_bytes));
  }
  const int64_t largest = std::ranges::max(options.sweep.batch_sizes);
  ASSIGN_OR_RETURN(
      const NetworkPlan plan,
      PlanNetwork(model,
                  {.max_batch = largest,
                   .optimizer_slots = OptimizerSlots(options.sweep.optimizer),
                   .loss = question.loss,
                   .lean = question.lean},
                  context));
  PrintLayers(model, plan, largest);
  RETURN_IF_ERROR(CheckMemory(options, data, engine));
  return kExitValid;
}

}  // namespace batchsweep
