#include "measure/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "util/rng.h"

namespace batchsweep {
namespace {

constexpr size_t kBlocks = 100;
constexpr int kDraws = 500;
constexpr uint64_t kDrawsStream = 0xb007;

double MedianOf(std::vector<float> values) { return Quantile(values, 0.5); }

}  // namespace

double Quantile(std::span<float> values, double fraction) {
  if (values.empty()) return 0.0;
  const auto rank = static_cast<size_t>(
      fraction * static_cast<double>(values.size() - 1) + 0.5);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(values, nth);
  return *nth;
}

TimeStatistics Describe(std::span<const float> values) {
  if (values.empty()) return {};
  const std::vector<float> series(values.begin(), values.end());
  std::vector<float> sorted = series;
  const Interval interval = MedianInterval(values);
  TimeStatistics found = {.median = Quantile(sorted, 0.5),
                          .median_low = interval.low,
                          .median_high = interval.high,
                          .p5 = Quantile(sorted, 0.05),
                          .p95 = Quantile(sorted, 0.95),
                          .p99 = Quantile(sorted, 0.99)};
  std::vector<float> deviations = series;
  const auto median = static_cast<float>(found.median);
  for (float& x : deviations) x = std::abs(x - median);
  found.mad = Quantile(deviations, 0.5);
  for (size_t i = 0; i < series.size(); ++i) {
    deviations[i] = std::abs(series[i] - median) / series[i];
  }
  found.mdape = Quantile(deviations, 0.5);
  if (const auto third = static_cast<std::ptrdiff_t>(series.size() / 3);
      third > 0) {
    const double first = MedianOf({series.begin(), series.begin() + third});
    const double last = MedianOf({series.end() - third, series.end()});
    found.drift = last / first - 1.0;
  }
  return found;
}

Interval MedianInterval(std::span<const float> values) {
  const size_t count = values.size();
  if (count == 0) return {};
  const size_t blocks = std::min(count, kBlocks);
  // Values by size, each with the block it stands in.
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](uint32_t i) { return values[i]; });
  std::vector<uint8_t> block_of(count);
  std::array<size_t, kBlocks> sizes = {};
  for (size_t i = 0; i < count; ++i) {
    const size_t block = order[i] * blocks / count;
    block_of[i] = static_cast<uint8_t>(block);
    ++sizes[block];
  }
  Rng rng(1, kDrawsStream);
  std::vector<float> medians;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::array<uint32_t, kBlocks> times = {};  // that a block was drawn
    size_t drawn = 0;
    for (size_t i = 0; i < blocks; ++i) {
      const auto block = static_cast<size_t>(rng.Below(blocks));
      ++times[block];
      drawn += sizes[block];
    }
    size_t below = 0, i = 0;
    for (; i + 1 < count; ++i) {
      below += times[block_of[i]];
      if (2 * below > drawn) break;
    }
    medians.push_back(values[order[i]]);
  }
  return {.low = Quantile(medians, 0.025), .high = Quantile(medians, 0.975)};
}

}  // namespace batchsweep
