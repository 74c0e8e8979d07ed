// The values of flags: how each type is read from the command line, told in
// help, and recorded in run.json.
#ifndef BATCHSWEEP_CLI_FLAG_VALUE_H_
#define BATCHSWEEP_CLI_FLAG_VALUE_H_

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "cli/number_range.h"
#include "cli/text.h"
#include "record/setting.h"
#include "util/enum_names.h"

namespace batchsweep {

// For each type of a flag's value: kName stands for one in help, Expected()
// tells what Read() takes, Read() is absent if `text` is no such value, and
// Record() gives what stands in run.json.
template <class T>
struct FlagValue;

struct FlagValueBase {
  static constexpr bool kIsList = false;
  // What help says of the values that it takes, where the flag's own words do
  // not.
  static std::string InHelp(const NumberRange&) { return ""; }
};

template <class T>
  requires std::integral<T> || std::floating_point<T>
struct FlagValue<T> : FlagValueBase {
  static constexpr const char* kName = std::integral<T> ? "N" : "X";
  static std::string InHelp(const NumberRange& range) {
    return RangeText(range);
  }
  static std::string Expected(const NumberRange& range) {
    return (std::integral<T> ? "a whole number " : "a number ") +
           RangeText(range);
  }
  static std::optional<T> Read(std::string_view text,
                               const NumberRange& range) {
    using Widest = std::conditional_t<std::integral<T>, int64_t, double>;
    const auto number = ReadNumber<Widest>(text, range);
    if (!number) return std::nullopt;
    // Narrower it may leave the range yet: 1e-60 becomes 0 as a float.
    const auto value = static_cast<T>(*number);
    return IsIn(range, static_cast<double>(value)) ? std::optional(value)
                                                   : std::nullopt;
  }
  static SettingValue Record(T value) {
    if constexpr (std::integral<T>) {
      return int64_t{value};
    } else {
      // 0.001f as 0.001, not as 0.0010000000474974513.
      return std::stod(std::format("{}", value));
    }
  }
};

template <NamedEnum T>
struct FlagValue<T> : FlagValueBase {
  static constexpr const char* kName = "NAME";
  static std::string Expected(const NumberRange&) {
    return JoinedChoices(EnumNames<T>());
  }
  static std::optional<T> Read(std::string_view text, const NumberRange&) {
    return ParseEnum<T>(text);
  }
  static SettingValue Record(T value) { return NameOf(value); }
};

// A name or a path; an empty one is none.
template <class T>
  requires std::same_as<T, std::string> ||
           std::same_as<T, std::filesystem::path>
struct FlagValue<T> : FlagValueBase {
  static constexpr const char* kName = "NAME";
  static std::string Expected(const NumberRange&) { return "a name"; }
  static std::optional<T> Read(std::string_view text, const NumberRange&) {
    return text.empty() ? std::nullopt : std::optional(T(text));
  }
  static SettingValue Record(const T& value) { return std::string(value); }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_FLAG_VALUE_H_
