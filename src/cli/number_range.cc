#include "cli/number_range.h"

#include <cstddef>
#include <format>
#include <iterator>

namespace batchsweep {
namespace {

// Up to a million millions in full, with commas between thousands.
std::string NumberText(double number) {
  if (number > 1e12) return std::format("{:g}", number);
  std::string digits = std::format("{:.0f}", number);
  for (auto i = std::ssize(digits) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

}  // namespace

// Neither comparison holds for NaN.
bool IsIn(const NumberRange& range, double number) {
  const bool high_enough =
      range.above_low ? number > range.low : number >= range.low;
  return high_enough && number <= range.high;
}

std::string RangeText(const NumberRange& range) {
  return std::format(
      "{} {} {} {}", range.above_low ? "above" : "from", NumberText(range.low),
      range.above_low ? "and up to" : "to", NumberText(range.high));
}

std::vector<std::string_view> SplitList(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace batchsweep
