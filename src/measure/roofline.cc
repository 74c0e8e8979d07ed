#include "measure/roofline.h"

#include <algorithm>
#include <array>
#include <format>
#include <vector>

#include "graph/arithmetic.h"
#include "kernels/denormals.h"
#include "model/cost.h"
#include "platform/clock.h"
#include "platform/memory.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

constexpr int64_t kSlackFloats = xnn::kReadSlackBytes / kFloatBytes;

// Seconds of one call: the median of blocks that are long beside the clock.
template <class Call>
double MedianSeconds(const Call& call) {
  constexpr int64_t kBlockNs = 2'000'000;
  std::array<double, 7> blocks;
  call();
  for (double& block : blocks) {
    const int64_t start_ns = MonotonicNs();
    int64_t calls = 0, elapsed_ns = 0;
    do {
      call();
      ++calls;
      elapsed_ns = MonotonicNs() - start_ns;
    } while (elapsed_ns < kBlockNs);
    block = static_cast<double>(elapsed_ns) * 1e-9 / static_cast<double>(calls);
  }
  std::ranges::sort(blocks);
  return blocks[blocks.size() / 2];
}

}  // namespace

double MeasureMatmulFlopsPerSecond(int64_t size,
                                   const ComputeContext& context) {
  const ScopedFlushDenormals flush_denormals;
  ThreadPool& pool = *context.pool;
  const auto count = static_cast<size_t>(size * size + kSlackFloats);
  std::vector<float> a(count, 0.5f), b(count, 0.5f), c(count);
  std::vector<int32_t> offsets;
  for (int64_t i = 0; i < size; ++i) {
    offsets.push_back(static_cast<int32_t>(i * size));
  }
  double seconds = MedianSeconds([&] {
    RunProduct({.a = a.data(),
                .a_stride = 1,
                .a_offsets = offsets.data(),
                .b = b.data(),
                .b_stride = size,
                .rows = size,
                .m = size,
                .n = size,
                .c = c.data(),
                .c_stride = size},
               *context.kernels, pool);
  });
  // XNNPACK's, if it can be had.
  if (auto op = xnn::MatMul::Create({})) {
    const auto bytes = op->Reshape(size, size, size, pool);
    const auto workspace = AllocateAligned(bytes.value_or(0) + 64);
    if (bytes && workspace &&
        op->Bind(workspace->get(), a.data(), b.data(), c.data())) {
      seconds = std::min(seconds, MedianSeconds([&] { op->Run(pool); }));
    }
  }
  return 2.0 * static_cast<double>(size * size * size) / seconds;
}

double MeasureUpdateBytesPerSecond(size_t weights,
                                   const ComputeContext& context) {
  constexpr int64_t kAdamArrays = 4, kArrays = 2, kAccesses = 3;
  const auto count = static_cast<int64_t>(weights) * kAdamArrays / kArrays + 1;
  std::vector<float> x(static_cast<size_t>(count), 0.5f);
  std::vector<float> y(static_cast<size_t>(count), 0.5f);
  const double seconds = MedianSeconds([&] {
    context.pool->ParallelFor(count, TileOf(count, 4096, *context.pool),
                              [&](int64_t begin, int64_t size) {
                                context.kernels->add_scaled(x.data() + begin,
                                                            1e-9f, size,
                                                            y.data() + begin);
                              });
  });
  return static_cast<double>(count * kAccesses * kFloatBytes) / seconds;
}

MachineLimits MeasureLimits(size_t weights, const ComputeContext& context) {
  MachineLimits limits;
  for (const int64_t size : kMatmulSizes) {
    limits.matmul_flops_per_second =
        std::max(limits.matmul_flops_per_second,
                 MeasureMatmulFlopsPerSecond(size, context));
  }
  limits.update_bytes_per_second =
      MeasureUpdateBytesPerSecond(weights, context);
  return limits;
}

double StepLimitNs(const MachineLimits& limits, const ModelSpec& model,
                   const UpdateTraffic& update, int64_t batch_size) {
  const double flops = static_cast<double>(TrainingFlops(model) * batch_size);
  const int64_t accesses = update.weights * (2 + 2 * update.optimizer_slots) +
                           update.stored_gradients;
  const double bytes = static_cast<double>(accesses * kFloatBytes);
  return 1e9 * (flops / limits.matmul_flops_per_second +
                bytes / limits.update_bytes_per_second);
}

std::optional<double> UnbeatenLimitNs(
    double step_ns, const std::function<double(const MachineLimits&)>& limit_of,
    const std::function<MachineLimits()>& measure, MachineLimits& limits) {
  constexpr int kMostMeasurements = 5;
  // Where measuring takes longer than on any board, as on an emulator, it is
  // not repeated: hundreds of cells would wait for it.
  constexpr int64_t kMostMeasuringNs = 1'000'000'000;
  const int64_t begin_ns = MonotonicNs();
  for (int measured = 0;; ++measured) {
    const bool known = limits.matmul_flops_per_second > 0.0;
    if (known) {
      const double limit_ns = limit_of(limits);
      if (limit_ns <= step_ns) return limit_ns;
    }
    const bool slow = known && MonotonicNs() - begin_ns >= kMostMeasuringNs;
    if (measured == kMostMeasurements || slow) return std::nullopt;
    const MachineLimits again = measure();
    limits.matmul_flops_per_second =
        std::max(limits.matmul_flops_per_second, again.matmul_flops_per_second);
    limits.update_bytes_per_second =
        std::max(limits.update_bytes_per_second, again.update_bytes_per_second);
  }
}

Warning LimitWarning(std::string_view cell_name) {
  return {"limit",
          std::format("{}: its steps were faster than the limit that was "
                      "measured for this machine, which something must have "
                      "slowed down: no limit is recorded",
                      cell_name)};
}

}  // namespace batchsweep
