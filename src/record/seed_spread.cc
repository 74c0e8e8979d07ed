#include "record/seed_spread.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <numeric>
#include <vector>

namespace batchsweep {
namespace {

// A number of more digits before the point has no room for its decimals.
constexpr double kWide = 1000.0;

std::string Text(double value, int decimals) {
  return std::abs(value) < kWide ? std::format("{:.{}f}", value, decimals)
                                 : std::format("{:.4g}", value);
}

}  // namespace

std::optional<SeedSpread> SpreadOf(
    std::span<const std::optional<double>> values) {
  std::vector<double> sorted;
  for (const std::optional<double>& value : values) {
    if (!value) return std::nullopt;
    sorted.push_back(*value);
  }
  if (sorted.empty()) return std::nullopt;
  std::ranges::sort(sorted);
  const size_t upper = sorted.size() / 2, lower = (sorted.size() - 1) / 2;
  return SeedSpread{.median = std::midpoint(sorted[lower], sorted[upper]),
                    .low = sorted.front(),
                    .high = sorted.back()};
}

int DecimalsOf(const SeedSpread& spread, int most) {
  const double half = (spread.high - spread.low) / 2;
  if (!(half > 0.0) || !std::isfinite(half)) return most;
  return std::clamp(-static_cast<int>(std::floor(std::log10(half))), 0, most);
}

std::string MedianText(const SeedSpread& spread, int most_decimals) {
  return Text(spread.median, DecimalsOf(spread, most_decimals));
}

std::string RangeText(const SeedSpread& spread, int most_decimals) {
  const int decimals = DecimalsOf(spread, most_decimals);
  return std::format("{}-{}", Text(spread.low, decimals),
                     Text(spread.high, decimals));
}

}  // namespace batchsweep
