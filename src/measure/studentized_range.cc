#include "measure/studentized_range.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace batchsweep {
namespace {

double NormalDensity(double z) {
  return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
}

// By erfc, which keeps its digits in both tails.
double NormalChance(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

// W of the header: the chance that a range of normal values is at most `width`.
double NormalRangeChance(double width, int groups) {
  if (groups == 2) return std::erf(0.5 * width);  // a difference of two
  constexpr double kFarthest = 7.0;               // less than 1e-11 lies beyond
  constexpr double kStep = 0.25;
  double sum = 0.0;
  for (double z = -kFarthest; z <= kFarthest; z += kStep) {
    const double within = NormalChance(z) - NormalChance(z - width);
    sum += NormalDensity(z) * std::pow(within, groups - 1);
  }
  return groups * kStep * sum;
}

}  // namespace

double StudentizedRangeChance(double range, int groups, double degrees) {
  // log(s) has density exp(scale + degrees (u - exp(2u) / 2)), whose peak is at
  // 0 and 1 / sqrt(2 degrees) wide; beyond the ends it is below e^-25 of that.
  const double width = 1.0 / std::sqrt(degrees);
  const double scale = std::numbers::ln2 +
                       0.5 * degrees * std::log(0.5 * degrees) -
                       std::lgamma(0.5 * degrees);
  const double first = -25.0 / degrees - 5.0 * width, last = 5.0 * width;
  const double step = 0.25 * width;
  double chance = 0.0;
  for (double u = first; u <= last; u += step) {
    const double s = std::exp(u);
    chance += std::exp(scale + degrees * (u - 0.5 * s * s)) *
              NormalRangeChance(range * s, groups);
  }
  return step * chance;
}

double StudentizedRange(double chance, int groups, double degrees) {
  const auto excess = [&](double range) {
    return StudentizedRangeChance(range, groups, degrees) - chance;
  };
  double low = 0.0, low_excess = -chance;
  double high = 1.0, high_excess = excess(high);
  while (high_excess < 0.0) {
    low = std::exchange(high, 2.0 * high);
    low_excess = std::exchange(high_excess, excess(2.0 * low));
  }
  // By false position; the value of an end that stays is halved, or that end
  // would stay for ever (the Illinois rule).
  constexpr double kTolerance = 1e-7;  // of the chance, and of the range
  while (high - low > kTolerance * high) {
    const double range =
        high - high_excess * (high - low) / (high_excess - low_excess);
    const double found = excess(range);
    if (std::abs(found) < kTolerance) return range;
    if (found < 0.0) {
      low = range;
      low_excess = found;
      high_excess *= 0.5;
    } else {
      high = range;
      high_excess = found;
      low_excess *= 0.5;
    }
  }
  return 0.5 * (low + high);
}

double StudentT(double chance, double degrees) {
  return StudentizedRange(chance, 2, degrees) / std::numbers::sqrt2;
}

}  // namespace batchsweep
