// Values of flags that are made of others: one that may be absent, and a list.
// See cli/flag_value.h.
#ifndef BATCHSWEEP_CLI_COMPOSED_FLAG_VALUE_H_
#define BATCHSWEEP_CLI_COMPOSED_FLAG_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flag_value.h"
#include "cli/number_range.h"
#include "cli/text.h"
#include "record/setting.h"

namespace batchsweep {

template <class T>
struct FlagValue<std::optional<T>> : FlagValueBase {
  static constexpr const char* kName = FlagValue<T>::kName;
  static std::string InHelp(const NumberRange& range) {
    return FlagValue<T>::InHelp(range);
  }
  static std::string Expected(const NumberRange& range) {
    return FlagValue<T>::Expected(range);
  }
  static std::optional<std::optional<T>> Read(std::string_view text,
                                              const NumberRange& range) {
    const auto value = FlagValue<T>::Read(text, range);
    if (!value) return std::nullopt;
    return value;
  }
  static SettingValue Record(const std::optional<T>& value) {
    return value ? FlagValue<T>::Record(*value) : SettingValue();
  }
};

template <class T>
struct FlagValue<std::vector<T>> : FlagValueBase {
  static std::string InHelp(const NumberRange& range) {
    return RangeText(range);
  }
  static constexpr bool kIsList = true;
  static constexpr const char* kName = "N,N,...";
  static std::string Expected(const NumberRange& range) {
    return "whole numbers " + RangeText(range) + " with commas between them";
  }
  static std::optional<std::vector<T>> Read(std::string_view text,
                                            const NumberRange& range) {
    std::vector<T> values;
    for (const std::string_view part : SplitList(text)) {
      const auto value = FlagValue<T>::Read(part, range);
      if (!value) return std::nullopt;
      values.push_back(*value);
    }
    return values;
  }
  static SettingValue Record(const std::vector<T>& values) {
    return std::vector<int64_t>(values.begin(), values.end());
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_COMPOSED_FLAG_VALUE_H_
