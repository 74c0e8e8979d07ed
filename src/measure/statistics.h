// What step times come to. Nothing is dropped as an outlier: medians and
// quantiles stand in for means, which one hiccup can move.
#ifndef BATCHSWEEP_MEASURE_STATISTICS_H_
#define BATCHSWEEP_MEASURE_STATISTICS_H_

#include <cstdint>
#include <span>

namespace batchsweep {

// The value below which `fraction` of the values lie (nearest rank); 0 without
// values. Reorders them.
double Quantile(std::span<float> values, double fraction);

// REQUIRES: there is a value.
double MeanOf(std::span<const double> values);

struct TimeStatistics {
  double median = 0.0;
  // 95 % confidence interval of the median, see MedianInterval().
  double median_low = 0.0;
  double median_high = 0.0;
  double mad = 0.0;  // median of |x - median|
  double p5 = 0.0, p95 = 0.0, p99 = 0.0;
  // Median absolute percent error: the median of |x - median| / x.
  double mdape = 0.0;
  // Median of the last third over that of the first, less one.
  double drift = 0.0;
};

// Describes `values`, which are in the order of time; all 0 without values.
// Takes kDescribeBytes of memory for each of them meanwhile.
TimeStatistics Describe(std::span<const float> values);
inline constexpr int64_t kDescribeBytes = sizeof(uint32_t) + sizeof(uint8_t);

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

// The range that 95 % of the medians fall into when the series is drawn anew
// from its own blocks of consecutive values (a bootstrap of up to 100 blocks).
// Blocks, because neighbours are alike: drawn one by one, a long series would
// promise far too much. Draws are the same each time. {0, 0} without values.
Interval MedianInterval(std::span<const float> values);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_STATISTICS_H_
