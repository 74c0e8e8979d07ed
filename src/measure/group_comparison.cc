#include "measure/group_comparison.h"

#include <algorithm>
#include <cmath>

#include "measure/studentized_range.h"

namespace batchsweep {
namespace {

// Mean squares of the two-way layout, and their degrees of freedom.
struct Spread {
  double blocks = 0.0, blocks_degrees = 0.0;
  double residual = 0.0, residual_degrees = 0.0;
};

// REQUIRES: there are two blocks or more.
Spread SpreadOf(std::span<const std::vector<double>> values,
                std::span<const GroupFigure> figures) {
  const size_t groups = values.size(), blocks = values.front().size();
  Spread spread;
  for (size_t block = 0; block < blocks; ++block) {
    double effect = 0.0;
    for (size_t group = 0; group < groups; ++group) {
      effect += values[group][block] - figures[group].mean;
    }
    effect /= static_cast<double>(groups);
    spread.blocks += static_cast<double>(groups) * effect * effect;
    for (size_t group = 0; group < groups; ++group) {
      const double residual =
          values[group][block] - figures[group].mean - effect;
      spread.residual += residual * residual;
    }
  }
  spread.blocks_degrees = static_cast<double>(blocks - 1);
  spread.residual_degrees =
      static_cast<double>(groups - 1) * spread.blocks_degrees;
  spread.blocks /= spread.blocks_degrees;
  if (groups > 1) spread.residual /= spread.residual_degrees;
  return spread;
}

Interval Around(double middle, double margin) {
  return {.low = middle - margin, .high = middle + margin};
}

// Of a group's mean, see the header.
double MeanMargin(const Spread& spread, size_t groups) {
  const double others = static_cast<double>(groups - 1);
  const double within = others * spread.residual;
  const double both = spread.blocks + within;
  const double variance =
      std::max(both / static_cast<double>(groups), kLeastSpread * kLeastSpread);
  double degrees = spread.blocks_degrees;
  if (groups > 1 && both > 0.0) {
    degrees = both * both /
              (spread.blocks * spread.blocks / spread.blocks_degrees +
               within * within / spread.residual_degrees);
  }
  return StudentT(kMeanConfidence, degrees) *
         std::sqrt(variance / (spread.blocks_degrees + 1.0));
}

// By which the means of two groups may differ by chance.
double DifferenceMargin(const Spread& spread, double critical_range) {
  const double deviation = std::max(std::sqrt(spread.residual), kLeastSpread);
  return critical_range * deviation / std::sqrt(spread.blocks_degrees + 1.0);
}

}  // namespace

std::optional<double> CriticalRange(size_t groups, size_t blocks) {
  if (groups < 2 || blocks < 2) return std::nullopt;
  return StudentizedRange(kDifferenceConfidence, static_cast<int>(groups),
                          static_cast<double>((groups - 1) * (blocks - 1)));
}

GroupComparison CompareGroups(std::span<const std::vector<double>> values) {
  return CompareGroups(values,
                       CriticalRange(values.size(), values.front().size()));
}

GroupComparison CompareGroups(std::span<const std::vector<double>> values,
                              std::optional<double> critical_range) {
  GroupComparison found;
  for (const std::vector<double>& row : values) {
    found.groups.push_back({.mean = MeanOf(row)});
  }
  const auto least =
      std::ranges::min_element(found.groups, {}, &GroupFigure::mean);
  found.least = static_cast<size_t>(least - found.groups.begin());
  const double least_mean = least->mean;
  for (GroupFigure& group : found.groups) {
    group.excess = group.mean - least_mean;
  }
  if (values.front().size() < 2) return found;
  const Spread spread = SpreadOf(values, found.groups);
  const double mean_margin = MeanMargin(spread, values.size());
  for (GroupFigure& group : found.groups) {
    group.mean_interval = Around(group.mean, mean_margin);
    if (!critical_range) continue;
    const double margin = DifferenceMargin(spread, *critical_range);
    group.excess_interval = Around(group.excess, margin);
    group.told_apart = group.excess > margin;
  }
  return found;
}

}  // namespace batchsweep
