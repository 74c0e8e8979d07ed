#include <format>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "graph/network_plan.h"
#include "record/json.h"
#include "record/text_table.h"
#include "sweep/kernel_choices.h"
#include "util/enum_names.h"
#include "xnn/thread_pool.h"

namespace batchsweep {
namespace {

// What a body takes of a step, and its arithmetic in that time; dashes where
// there is no such body.
void AddBody(std::optional<int64_t> time_ns, const KernelRecord& record,
             std::vector<std::string>& row) {
  row.push_back(DurationOrDash(time_ns));
  if (!time_ns) {
    row.emplace_back("-");
    return;
  }
  const int64_t flops = 2 * record.multiply_adds * record.batch_size;
  row.push_back(std::format(
      "{:.1f}", static_cast<double>(flops) / static_cast<double>(*time_ns)));
}

const char* BitsText(const KernelRecord& record) {
  if (!record.equal_bits) return "-";
  return *record.equal_bits ? "equal" : "differ";
}

// "dW" and "dx" are what papers call them.
const char* ProductName(Direction direction) {
  switch (direction) {
    case Direction::kForward:
      return "y";
    case Direction::kWeightGrads:
      return "dW";
    case Direction::kInputGrad:
      return "dx";
  }
  return nullptr;
}

void PrintTable(std::span<const KernelRecord> records, int64_t batch_size,
                int threads) {
  std::vector<std::vector<std::string>> rows = {{"layer", "product", "XNNPACK",
                                                 "GF/s", "own", "GF/s", "bits",
                                                 "computes"}};
  for (const KernelRecord& record : records) {
    if (record.batch_size != batch_size || record.threads != threads) continue;
    const auto direction = ParseEnum<Direction>(record.direction);
    std::vector<std::string>& row = rows.emplace_back();
    row = {Escaped(record.layer), ProductName(direction.value())};
    AddBody(record.xnnpack_time_ns, record, row);
    AddBody(record.own_time_ns, record, row);
    row.emplace_back(BitsText(record));
    row.push_back(record.library);
  }
  const MultiplyAdds work = WorkOf(records, batch_size, threads);
  PrintOutput(
      "\nBatch size {}, {} thread{}; XNNPACK computes {:.0f} % of the "
      "multiply-adds:\n\n{}",
      batch_size, threads, threads == 1 ? "" : "s",
      100.0 * work.xnnpack_share(), AlignedTable(rows));
}

}  // namespace

Result<int> KernelsCommand(RunOptions options) {
  ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(options.model));
  SweepConfig& sweep = options.sweep;
  sweep.model = std::move(loaded.spec);
  RETURN_IF_ERROR(CompleteOptions(options));
  ASSIGN_OR_RETURN(const Engine engine, StartEngine(sweep.threads));
  // Refuses what could never train here: trials take memory too.
  ThreadPool pool(1);
  RETURN_IF_ERROR(PlanNetwork(sweep.model,
                              {.max_batch = sweep.batch_sizes.front()},
                              {.kernels = engine.kernels, .pool = &pool}));
  ASSIGN_OR_RETURN(const std::vector<KernelRecord> records,
                   ChooseKernels(sweep, *engine.kernels, /*other_batches=*/{},
                                 LoneBodies::kTime));
  if (options.json) {
    WriteOutput(ToJson(records).dump(2) + "\n");
    return kExitValid;
  }
  PrintOutput("Products of {} in a training step, on {} with {} kernels\n",
              Escaped(sweep.model.name), engine.cpu.model_name,
              IsaName(engine.kernels->isa));
  for (const int threads : sweep.threads) {
    for (const int64_t batch_size : sweep.batch_sizes) {
      PrintTable(records, batch_size, threads);
    }
  }
  return kExitValid;
}

}  // namespace batchsweep
