// What a figure is over the seeds of a batch size.
#ifndef BATCHSWEEP_RECORD_SEED_SPREAD_H_
#define BATCHSWEEP_RECORD_SEED_SPREAD_H_

#include <optional>
#include <span>
#include <string>

namespace batchsweep {

struct SeedSpread {
  double median = 0.0;
  double low = 0.0;  // the least and the greatest
  double high = 0.0;
};

// Absent without values, and where one is absent: a median of the seeds that
// did not diverge would favour a batch size whose other seeds did.
std::optional<SeedSpread> SpreadOf(
    std::span<const std::optional<double>> values);

// Digits behind the point that count: those of half the range, rounded down to
// a power of ten, and at most `most`, as of a single value.
int DecimalsOf(const SeedSpread& spread, int most);

// "0.333" of 0.3328 between 0.3301 and 0.3412, for at most 4 decimals.
std::string MedianText(const SeedSpread& spread, int most_decimals);
// "0.330-0.341" of the same.
std::string RangeText(const SeedSpread& spread, int most_decimals);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_SEED_SPREAD_H_
