#include "record/cost_comparison.h"

#include <cmath>
#include <cstddef>

#include "measure/group_comparison.h"

namespace batchsweep {
namespace {

CostVerdict VerdictOf(const GroupFigure& figure, bool is_least) {
  if (!figure.mean_interval) return CostVerdict::kOneSeed;
  if (is_least) return CostVerdict::kLeast;
  return figure.told_apart ? CostVerdict::kMore : CostVerdict::kNotTold;
}

}  // namespace

std::vector<BatchCost> CompareCosts(
    std::span<const int64_t> batch_sizes,
    std::span<const std::vector<double>> logarithms) {
  const GroupComparison comparison = CompareGroups(logarithms);
  std::vector<BatchCost> costs;
  for (size_t i = 0; i < batch_sizes.size(); ++i) {
    const GroupFigure& figure = comparison.groups[i];
    BatchCost cost = {.batch_size = batch_sizes[i],
                      .value = std::exp(figure.mean),
                      .verdict = VerdictOf(figure, i == comparison.least)};
    if (const auto& mean = figure.mean_interval) {
      cost.low = std::exp(mean->low);
      cost.high = std::exp(mean->high);
    }
    if (batch_sizes.size() > 1) cost.ratio = std::exp(figure.excess);
    if (const auto& excess = figure.excess_interval) {
      cost.ratio_low = std::exp(excess->low);
      cost.ratio_high = std::exp(excess->high);
    }
    costs.push_back(cost);
  }
  return costs;
}

}  // namespace batchsweep
