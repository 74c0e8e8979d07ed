// Times or joules of batch sizes, compared over seeds.
#ifndef BATCHSWEEP_RECORD_COST_COMPARISON_H_
#define BATCHSWEEP_RECORD_COST_COMPARISON_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "util/fields.h"

namespace batchsweep {

enum class CostVerdict {
  kLeast,    // of all that are compared, as it came out
  kNotTold,  // greater, but by no more than chance explains
  kMore,     // greater than the least
  kOneSeed,  // not enough to tell
};
constexpr const char* NameOf(CostVerdict verdict) {
  switch (verdict) {
    case CostVerdict::kLeast:
      return "least";
    case CostVerdict::kNotTold:
      return "not_told";
    case CostVerdict::kMore:
      return "more";
    case CostVerdict::kOneSeed:
      return "one_seed";
  }
  return nullptr;
}

struct BatchCost {
  int64_t batch_size = 0;
  double value = 0.0;  // geometric mean over seeds
  // 95 % confidence interval, for other seeds too; absent with one seed.
  std::optional<double> low, high;
  // To the least, with an interval that holds for all batch sizes at once;
  // absent without two to compare, the interval with one seed too.
  std::optional<double> ratio, ratio_low, ratio_high;
  CostVerdict verdict = CostVerdict::kOneSeed;
  // Known only to have been at most that, of the least; there is no interval
  // then, and the ratios to it are at least those.
  bool at_most = false;

  static constexpr auto Fields() {
    using B = BatchCost;
    return FieldList<&B::batch_size, &B::value, &B::low, &B::high, &B::ratio,
                     &B::ratio_low, &B::ratio_high, &B::verdict, &B::at_most>();
  }
};

// See CompareGroups(). `logarithms` has a row for each batch size and in it one
// value for each seed. REQUIRES: there is one; all rows are as long.
std::vector<BatchCost> CompareCosts(
    std::span<const int64_t> batch_sizes,
    std::span<const std::vector<double>> logarithms);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_COST_COMPARISON_H_
