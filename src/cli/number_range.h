// Numbers as a user may write them.
#ifndef BATCHSWEEP_CLI_NUMBER_RANGE_H_
#define BATCHSWEEP_CLI_NUMBER_RANGE_H_

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace batchsweep {

// The finite numbers that a flag takes: from `low` to `high`, both included,
// or, with `above_low`, without `low` itself; with `or_zero`, 0 too.
struct NumberRange {
  double low = 0.0;
  double high = 0.0;
  bool above_low = false;
  bool or_zero = false;
};
// "from 1 to 1,000,000", "above 0 and up to 1e+38", "0 or from 0.001 to 1,000"
std::string RangeText(const NumberRange& range);
bool IsIn(const NumberRange& range, double number);

// Whether `text` begins as a decimal number is usually written: not "010",
// which is 8 to some, nor "-0".
bool StartsAsNumber(std::string_view text);

// Absent unless all of `text` is a number of the range.
template <class Number>
std::optional<Number> ReadNumber(std::string_view text,
                                 const NumberRange& range) {
  if (!StartsAsNumber(text)) return std::nullopt;
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return IsIn(range, static_cast<double>(number)) ? std::optional(number)
                                                  : std::nullopt;
}

// What stands between commas.
std::vector<std::string_view> SplitList(std::string_view text);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_NUMBER_RANGE_H_
