// Figures with no more digits than are certain.
#ifndef BATCHSWEEP_RECORD_ROUNDED_FIGURE_H_
#define BATCHSWEEP_RECORD_ROUNDED_FIGURE_H_

#include <optional>
#include <string>

#include "measure/statistics.h"

namespace batchsweep {

struct RoundedFigure {
  std::string value, low, high;  // the last two are empty without an interval
};

// A value above 0 and its interval. The last digit is the first one of half the
// interval's width, but at most the third of the value; the lower end has as
// many more as its distance from `floor` takes to be seen. One digit each where
// the interval spans more than a factor of ten, two without an interval.
RoundedFigure Rounded(double value, const std::optional<Interval>& interval,
                      double floor = 0.0);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_ROUNDED_FIGURE_H_
