#include <algorithm>
#include <format>
#include <print>

#include "cli/commands.h"
#include "cli/setup.h"
#include "graph/network_plan.h"
#include "model/cost.h"
#include "record/summary_table.h"
#include "sweep/memory_fit.h"

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
Status PrintLayers(const ModelSpec& model, const NetworkPlan& plan,
                   int64_t batch_size) {
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  const std::vector<int64_t> flops = ForwardFlops(model);
  std::vector<std::vector<std::string>> rows = {
      {"layer", "output", "weights", "forward MFLOP",
       "outputs, gradients and workspace"}};
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const std::string& name = LayerName(model.layers[i]);
    int64_t weights = 0;
    for (const ParamSpec& param : plan.params.specs) {
      if (param.name.starts_with(name + "/")) weights += param.shape.elements();
    }
    rows.push_back(
        {name, shapes[i].ToString(), std::to_string(weights),
         std::format("{:.2f}",
                     static_cast<double>(flops[i] * batch_size) / 1e6),
         FormatBytes(BytesOf(name, plan.memory))});
  }
  std::print("\nLayers at batch size {}, before sharing:\n\n{}", batch_size,
             AlignedTable(rows));
  return {};
}

}  // namespace

Result<int> PlanCommand(const RunOptions& options) {
  ASSIGN_OR_RETURN(const ModelSpec model, LoadModel(options.model));
  ASSIGN_OR_RETURN(const OptimizerConfig optimizer, OptimizerOf(options));
  ASSIGN_OR_RETURN(const Engine engine, StartEngine(options.threads));
  ASSIGN_OR_RETURN(const LoadedData data, LoadData(options, model));
  ThreadPool pool(1);  // the plan is the same for any number
  const ComputeContext context{.kernels = engine.kernels, .pool = &pool};
  const int64_t dataset_bytes =
      data.source->train.bytes() + data.source->test.bytes();

  // A row a class, a column a batch size.
  std::vector<std::vector<std::string>> rows(1, {"batch size"});
  for (int i = 0; i < kMemoryClasses; ++i) {
    rows.push_back({MemoryClassName(static_cast<MemoryClass>(i))});
  }
  rows.push_back({"arena, after sharing"});
  rows.push_back({"rows and order"});
  rows.push_back({"dataset"});
  rows.push_back({"in all"});
  for (const int64_t batch_size : options.batch_sizes) {
    ASSIGN_OR_RETURN(const CellMemory memory,
                     PlanCellMemory({.model = model,
                                     .optimizer = optimizer,
                                     .loss = data.loss,
                                     .lean = options.memory == "lean",
                                     .train_examples = data.parts.train.size(),
                                     .budget = BudgetOf(options),
                                     .context = context},
                                    batch_size));
    size_t row = 0;
    rows[row++].push_back(std::to_string(batch_size));
    for (const int64_t bytes : memory.bytes_by_class) {
      rows[row++].push_back(FormatBytes(bytes));
    }
    rows[row++].push_back(FormatBytes(memory.arena_bytes));
    rows[row++].push_back(FormatBytes(memory.rows_bytes));
    rows[row++].push_back(FormatBytes(dataset_bytes));
    rows[row++].push_back(FormatBytes(memory.total_bytes() + dataset_bytes));
  }
  std::println(
      "Memory of training {} on {} with {}, beside the program itself:\n",
      model.name, data.source->name, options.optimizer);
  std::print("{}", AlignedTable(rows));
  const int64_t largest = std::ranges::max(options.batch_sizes);
  ASSIGN_OR_RETURN(const NetworkPlan plan,
                   PlanNetwork(model,
                               {.max_batch = largest,
                                .optimizer_slots = OptimizerSlots(optimizer),
                                .loss = data.loss,
                                .lean = options.memory == "lean"},
                               context));
  RETURN_IF_ERROR(PrintLayers(model, plan, largest));
  RETURN_IF_ERROR(CheckMemory(options, model, optimizer, data, engine));
  return kExitValid;
}

}  // namespace batchsweep
