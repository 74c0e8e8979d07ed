#include "sweep/cell_results.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <string>

#include "measure/roofline.h"
#include "model/safetensors.h"
#include "platform/folder.h"

namespace batchsweep {
namespace {

// The best that was measured so far with this number of threads.
MachineLimits& LimitsOf(int threads, std::vector<ThreadsLimits>& limits) {
  const auto known =
      std::ranges::find(limits, threads, &ThreadsLimits::threads);
  if (known != limits.end()) return known->limits;
  return limits.emplace_back(threads).limits;
}

}  // namespace

Result<WrittenFile> WriteWeights(const SweepConfig& config, const CellKey& cell,
                                 Network& network) {
  RETURN_IF_ERROR(MakeFolder(config.out / "weights"));
  std::string name =
      std::format("weights/batch_{}_seed_{}", cell.batch_size, cell.seed);
  if (config.threads.size() > 1) {
    name += std::format("_threads_{}", cell.threads);
  }
  name += ".safetensors";
  ASSIGN_OR_RETURN(const Checksum contents,
                   WriteSafetensors(config.out / name, network.WeightViews()));
  return WrittenFile{.name = std::move(name), .contents = contents};
}

void SetOptimizer(const SweepConfig& config, SummaryRecord& record) {
  const int64_t batch_size = record.cell.batch_size;
  const OptimizerConfig optimizer = OptimizerOf(config, batch_size);
  record.learning_rate = optimizer.learning_rate;
  if (HasBetas(optimizer)) {
    record.beta1 = DecimalOf(optimizer.beta1);
    record.beta2 = DecimalOf(optimizer.beta2);
    record.half_life_examples = HalfLifeExamples(*record.beta2, batch_size);
  }
  if (HasEpsilon(optimizer)) record.epsilon = optimizer.epsilon;
}

bool SetLimit(const SweepConfig& config, ComputeContext context,
              const UpdateTraffic& update, std::vector<ThreadsLimits>& limits,
              SummaryRecord& record) {
  // Without statistics there is nothing to compare.
  if (record.step_time_median_ns.value_or(0) == 0) return true;
  const CellKey& cell = record.cell;
  const auto step_ns = static_cast<double>(*record.step_time_median_ns);
  const auto limit_ns = UnbeatenLimitNs(
      step_ns,
      [&](const MachineLimits& rates) {
        return StepLimitNs(rates, config.model, update, cell.batch_size);
      },
      [&] {
        return MeasureLimits(static_cast<size_t>(update.weights), context);
      },
      LimitsOf(cell.threads, limits));
  if (!limit_ns) return false;
  record.limit_time_ns = std::llround(*limit_ns);
  record.limit_fraction = *limit_ns / step_ns;
  return true;
}

void SetPlannedMemory(const TrainingExtent& extent,
                      std::optional<int64_t> base_rss_bytes,
                      SummaryRecord& record) {
  if (!base_rss_bytes) return;
  record.planned_rss_bytes = *base_rss_bytes + record.arena_bytes +
                             RecordingBytes(extent, record.cell.batch_size) +
                             extent.mapped_resident_bytes;
}

}  // namespace batchsweep
