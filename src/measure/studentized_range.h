// How far apart the means of equal groups may lie by chance.
#ifndef BATCHSWEEP_MEASURE_STUDENTIZED_RANGE_H_
#define BATCHSWEEP_MEASURE_STUDENTIZED_RANGE_H_

namespace batchsweep {

// The studentized range: the largest less the smallest of `groups` standard
// normal values, over an estimate of their standard deviation that is
// independent of them and has `degrees` degrees of freedom, which need not be a
// whole number.
//
// The chance that it is at most `range` is, with phi and Phi the normal density
// and distribution and f the density of sqrt(chi^2 / degrees),
//   integral over s > 0 of f(s) W(range s),
//   W(w) = groups * integral over z of phi(z) (Phi(z) - Phi(z - w))^(groups-1)
// [Tukey 1953; Lund and Lund 1983, Applied Statistics 32, AS 190]. Both are
// summed at evenly spaced z and log(s), where sums of such bell-shaped curves
// are exact to nine digits.
// REQUIRES: groups >= 2, degrees > 0, range >= 0.
double StudentizedRangeChance(double range, int groups, double degrees);

// The range that is not exceeded with this chance. REQUIRES: 0 < chance < 1.
double StudentizedRange(double chance, int groups, double degrees);

// The t that Student's |t| does not exceed with this chance: a range of two
// over sqrt(2). REQUIRES: as above.
double StudentT(double chance, double degrees);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_STUDENTIZED_RANGE_H_
