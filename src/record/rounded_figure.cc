#include "record/rounded_figure.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace batchsweep {
namespace {

// Of the first digit of a number above 0, as a power of ten.
int FirstDigit(double value) {
  return static_cast<int>(std::floor(std::log10(value)));
}

// With digits down to that power of ten.
std::string DownTo(int last, double value) {
  if (last <= 0) return std::format("{:.{}f}", value, -last);
  const double unit = std::pow(10.0, last);
  return std::format("{:.0f}", std::round(value / unit) * unit);
}

std::string WithDigits(int digits, double value) {
  if (!(value > 0.0)) return DownTo(0, value);
  return DownTo(FirstDigit(value) - digits + 1, value);
}

}  // namespace

RoundedFigure Rounded(double value, const std::optional<Interval>& interval,
                      double floor) {
  constexpr int kMostDigits = 3;
  constexpr double kVague = 10.0;
  if (!interval) return {.value = WithDigits(2, value), .low = "", .high = ""};
  const auto [low, high] = *interval;
  if (low <= 0.0 || high > kVague * low) {
    return {.value = WithDigits(1, value),
            .low = WithDigits(1, low),
            .high = WithDigits(1, high)};
  }
  const int finest = FirstDigit(value) - kMostDigits + 1;
  const int last =
      high > low ? std::max(FirstDigit(0.5 * (high - low)), finest) : finest;
  const int last_of_low =
      low > floor ? std::max(FirstDigit(low - floor), finest - 1) : last;
  return {.value = DownTo(last, value),
          .low = DownTo(std::min(last, last_of_low), low),
          .high = DownTo(last, high)};
}

}  // namespace batchsweep
