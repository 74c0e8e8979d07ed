#include "sweep/cell_results.h"

#include <algorithm>
#include <format>
#include <string>

#include "measure/roofline.h"
#include "model/safetensors.h"
#include "platform/file.h"
#include "sweep/memory_fit.h"

namespace batchsweep {
namespace {

const MachineLimits& LimitsOf(int threads, ComputeContext context,
                              Network& network,
                              std::vector<ThreadsLimits>& limits) {
  const auto known =
      std::ranges::find(limits, threads, &ThreadsLimits::threads);
  if (known != limits.end()) return known->limits;
  return limits
      .emplace_back(threads, MeasureLimits(network.params().size(), context))
      .limits;
}

}  // namespace

Status WriteWeights(const SweepConfig& config, const CellKey& cell,
                    const Network& network) {
  const auto folder = config.out / "weights";
  RETURN_IF_ERROR(MakeWritableFolder(folder));
  std::string name =
      std::format("batch_{}_seed_{}", cell.batch_size, cell.seed);
  if (config.threads.size() > 1) {
    name += std::format("_threads_{}", cell.threads);
  }
  return WriteSafetensors(folder / (name + ".safetensors"), network.Weights());
}

void SetLimit(const SweepConfig& config, ComputeContext context,
              Network& network, std::vector<ThreadsLimits>& limits,
              SummaryRecord& record) {
  const CellKey& cell = record.cell;
  const double limit_ns = StepLimitNs(
      LimitsOf(cell.threads, context, network, limits), config.model,
      OptimizerSlots(config.optimizer), cell.batch_size);
  record.limit_time_ns = static_cast<int64_t>(limit_ns);
  record.limit_fraction =
      limit_ns / static_cast<double>(record.step_time_median_ns);
}

void SetMemory(const SweepConfig& config, int64_t train_examples,
               const Network& network, const ProcessMemory& memory,
               std::optional<int64_t> base_rss_bytes, SummaryRecord& record) {
  record.arena_bytes = network.plan().memory.arena_bytes();
  record.peak_rss_bytes = memory.peak_rss_bytes;
  record.rss_anon_bytes = memory.rss_anon_bytes;
  record.swap_bytes = memory.swap_bytes;
  if (!base_rss_bytes) return;
  record.planned_rss_bytes =
      *base_rss_bytes + record.arena_bytes +
      RowsBytes(train_examples, record.cell.batch_size, config.budget);
}

}  // namespace batchsweep
