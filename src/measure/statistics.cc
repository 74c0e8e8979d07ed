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

// By a copy in `scratch`, which has room for it.
double MedianOf(std::span<const float> values, std::span<float> scratch) {
  std::ranges::copy(values, scratch.begin());
  return Quantile(scratch.first(values.size()), 0.5);
}

}  // namespace

double MeanOf(std::span<const double> values) {
  return std::reduce(values.begin(), values.end()) /
         static_cast<double>(values.size());
}

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
  // Its memory is free again before the copy below is made.
  const Interval interval = MedianInterval(values);
  std::vector<float> scratch(values.begin(), values.end());
  TimeStatistics found = {.median = Quantile(scratch, 0.5),
                          .median_low = interval.low,
                          .median_high = interval.high,
                          .p5 = Quantile(scratch, 0.05),
                          .p95 = Quantile(scratch, 0.95),
                          .p99 = Quantile(scratch, 0.99)};
  const auto median = static_cast<float>(found.median);
  const auto deviation = [&](float x) { return std::abs(x - median); };
  std::ranges::transform(values, scratch.begin(), deviation);
  found.mad = Quantile(scratch, 0.5);
  std::ranges::transform(values, scratch.begin(),
                         [&](float x) { return deviation(x) / x; });
  found.mdape = Quantile(scratch, 0.5);
  if (const size_t third = values.size() / 3; third > 0) {
    const double first = MedianOf(values.first(third), scratch);
    const double last = MedianOf(values.last(third), scratch);
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
  medians.reserve(kDraws);
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
