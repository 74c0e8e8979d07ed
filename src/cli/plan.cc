#include <algorithm>
#include <format>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "data/page_budget.h"
#include "graph/network_plan.h"
#include "model/cost.h"
#include "record/summary_table.h"
#include "sweep/kernel_choices.h"
#include "sweep/memory_fit.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

namespace {

// What goes by each layer's name: of "dense/kernel" and "dense output" all that
// counts for "dense". A name may have slashes of its own, so each beginning of
// it counts: a look at every layer for every tensor would take the square of
// their number.
class ByLayer {
 public:
  void Add(std::string_view name, int64_t amount) {
    for (size_t end = 1; end < name.size(); ++end) {
      const std::string_view rest = name.substr(end);
      if (!rest.starts_with('/') && !rest.starts_with(" output")) continue;
      amounts_[std::string(name.substr(0, end))] += amount;
    }
  }
  int64_t Of(const std::string& layer) const {
    const auto found = amounts_.find(layer);
    return found == amounts_.end() ? 0 : found->second;
  }

 private:
  std::unordered_map<std::string, int64_t> amounts_;
};

ByLayer BytesByLayer(const MemoryPlanner& planner) {
  ByLayer bytes;
  for (const TensorPlan& tensor : planner.tensors()) {
    bytes.Add(tensor.name, tensor.bytes);
  }
  return bytes;
}

ByLayer WeightsByLayer(const ParamPlaces& params) {
  ByLayer weights;
  for (const ParamSpec& param : params.specs) {
    weights.Add(param.name, param.shape.elements());
  }
  return weights;
}

// What each layer costs at one batch size. A layer that is built into another,
// or computes nothing, takes no memory of its own.
void PrintLayers(const ModelSpec& model, const NetworkPlan& plan,
                 int64_t batch_size) {
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  const std::vector<int64_t> flops = ForwardFlops(model);
  const ByLayer weights = WeightsByLayer(plan.params);
  const ByLayer bytes = BytesByLayer(plan.memory);
  std::vector<std::vector<std::string>> rows = {
      {"layer", "output", "weights", "forward MFLOP", "memory"}};
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const std::string& name = LayerName(model.layers[i]);
    rows.push_back(
        {Escaped(name), shapes[i].ToString(), std::to_string(weights.Of(name)),
         std::format("{:.2f}",
                     static_cast<double>(flops[i] * batch_size) / 1e6),
         FormatBytes(bytes.Of(name))});
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
  SweepConfig& sweep = options.sweep;
  ASSIGN_OR_RETURN(
      const std::vector<KernelRecord> kernels,
      ChooseKernels(sweep, *engine.kernels, OtherBatches(sweep, data.parts),
                    LoneBodies::kSkip));
  ASSIGN_OR_RETURN(sweep.kernel_choices, ChoicesOf(kernels));
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
  ASSIGN_OR_RETURN(const NetworkPlan plan, PlanOf(question, largest));
  PrintLayers(model, plan, largest);
  RETURN_IF_ERROR(CheckMemory(options, data, engine));
  return kExitValid;
}

}  // namespace batchsweep
