#include "cli/number_range.h"

#include <cmath>
#include <cstddef>
#include <format>
#include <iterator>

namespace batchsweep {
namespace {

// Whole ones up to a million millions in full, with commas between thousands.
std::string NumberText(double number) {
  if (number > 1e12 || number != std::floor(number))
    return std::format("{:g}", number);
  std::string digits = std::format("{:.0f}", number);
  for (auto i = std::ssize(digits) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

}  // namespace

// Neither comparison holds for NaN.
bool IsIn(const NumberRange& range, double number) {
  if (range.or_zero && number == 0.0) return true;
  const bool high_enough =
      range.above_low ? number > range.low : number >= range.low;
  return high_enough && number <= range.high;
}

std::string RangeText(const NumberRange& range) {
  return std::format("{}{} {} {} {}", range.or_zero ? "0 or " : "",
                     range.above_low ? "above" : "from", NumberText(range.low),
                     range.above_low ? "and up to" : "to",
                     NumberText(range.high));
}

bool StartsAsNumber(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  if (!text.starts_with('0')) return true;
  return !is_negative && (text.size() == 1 || text[1] < '0' || text[1] > '9');
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
