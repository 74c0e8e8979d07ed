// Which of several groups has the least mean, and which cannot be told from it.
#ifndef BATCHSWEEP_MEASURE_GROUP_COMPARISON_H_
#define BATCHSWEEP_MEASURE_GROUP_COMPARISON_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "measure/statistics.h"

namespace batchsweep {

// Of intervals of means.
inline constexpr double kMeanConfidence = 0.95;
// Of all differences between the groups at once. Higher than the 95 % that are
// promised: measured times are not quite normal even as logarithms, nor is
// their spread the same in all groups.
inline constexpr double kDifferenceConfidence = 0.97;
// The spread that is assumed at least, of logarithms: no two trainings take the
// same time to a tenth of a percent, however alike the few that were seen.
inline constexpr double kLeastSpread = 0.001;

// A group beside the one with the least mean. Intervals are absent if there is
// one block only.
struct GroupFigure {
  double mean = 0.0;
  std::optional<Interval> mean_interval;
  double excess = 0.0;  // over the least mean; 0 for that itself
  std::optional<Interval> excess_interval;
  bool told_apart = false;  // is greater than the least, by more than chance
};

struct GroupComparison {
  size_t least = 0;  // the index of the group with the least mean
  std::vector<GroupFigure> groups;
};

// Compares groups that were each tried in the same blocks: batch sizes, each
// trained with the same seeds, by the logarithms of their times. `values` has a
// row for each group and in it a value for each block:
//   value = mean + effect of the group + effect of the block + residual.
//
// - A seed makes all batch sizes fast or slow together, since they share first
//   weights and the order of examples; that effect is taken out, and the
//   residuals of all groups give one variance with (groups - 1) (blocks - 1)
//   degrees of freedom.
// - The group with the least mean was chosen because it came out least, and is
//   compared with all others. Tukey's studentized range is that of the
//   differences of all pairs at once, so it allows for both [Tukey 1953;
//   randomized blocks: Hochberg and Tamhane 1987, Multiple Comparison
//   Procedures, chapter 3; comparisons with the best chosen after the fact:
//   Hsu 1996, Multiple Comparisons, chapter 4]. Of equal groups a difference is
//   claimed in 3 of 100 comparisons, in no more with skewed or heavy tails, but
//   in 6 if one of three, and in 12 if one of six, has five times the spread of
//   the others. Three groups of spread 5 % are told apart nine times of ten at
//   a ratio of 1.27 with three blocks, of 1.14 with five.
// - The interval of a group's own mean covers blocks too, that is other seeds:
//   the variance of one value is that between blocks and that of residuals,
//   pooled over the groups, with Satterthwaite's degrees of freedom
//   [Satterthwaite 1946, Biometrics Bulletin 2].
// REQUIRES: there is a group and a block; all rows have as many values, finite.
GroupComparison CompareGroups(std::span<const std::vector<double>> values);

// The studentized range that means of so many groups in so many blocks exceed
// by chance in no more than 3 of 100 comparisons; absent where nothing can be
// compared. Takes some milliseconds, unlike all else here.
std::optional<double> CriticalRange(size_t groups, size_t blocks);
// The same for many comparisons of one layout. REQUIRES: `critical_range` is
// CriticalRange() of it.
GroupComparison CompareGroups(std::span<const std::vector<double>> values,
                              std::optional<double> critical_range);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_GROUP_COMPARISON_H_
