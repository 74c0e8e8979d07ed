// Values of flags that are neither numbers nor names: see cli/flag_value.h.
#ifndef BATCHSWEEP_CLI_RUN_FLAG_VALUE_H_
#define BATCHSWEEP_CLI_RUN_FLAG_VALUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <format>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/composed_flag_value.h"
#include "cli/run_options.h"
#include "model/loss.h"
#include "sweep/sweep_config.h"
#include "train/evaluation_interval.h"
#include "train/optimizer.h"

namespace batchsweep {

template <>
struct FlagValue<InitialWeights> : FlagValueBase {
  static constexpr const char* kName = "NAME";
  static std::string Expected(const NumberRange&) {
    return "shared, fresh or a safetensors file";
  }
  static std::optional<InitialWeights> Read(std::string_view text,
                                            const NumberRange&) {
    if (text.empty()) return std::nullopt;
    const auto drawn = ParseEnum<InitialWeights::Kind>(text);
    if (drawn) return InitialWeights{.kind = *drawn};
    return InitialWeights{.kind = InitialWeights::Kind::kFile, .file = text};
  }
  static SettingValue Record(const InitialWeights& value) {
    const char* const drawn = NameOf(value.kind);
    return drawn == nullptr ? value.file.string() : drawn;
  }
};

template <>
struct FlagValue<KernelSelection> : FlagValueBase {
  using Kind = KernelSelection::Kind;
  static constexpr const char* kName = "NAME";
  static std::string Expected(const NumberRange&) {
    return "fastest, xnnpack, own or a run.json";
  }
  static std::optional<KernelSelection> Read(std::string_view text,
                                             const NumberRange&) {
    if (text.empty()) return std::nullopt;
    const auto kind = ParseEnum<Kind>(text);
    if (kind) return KernelSelection{.kind = *kind};
    return KernelSelection{.kind = Kind::kFile, .file = text};
  }
  static SettingValue Record(const KernelSelection& value) {
    const char* const name = NameOf(value.kind);
    return name == nullptr ? value.file.string() : name;
  }
};

// An absent loss is "auto".
template <>
struct FlagValue<std::optional<Loss>> : FlagValueBase {
  static std::string InHelp(const NumberRange& range) {
    return Expected(range);
  }
  static constexpr const char* kName = "NAME";
  static constexpr const char* kAuto = "auto";
  static std::string Expected(const NumberRange&) {
    std::vector<std::string> names = EnumNames<Loss>();
    names.insert(names.begin(), kAuto);
    return JoinedChoices(names);
  }
  static std::optional<std::optional<Loss>> Read(std::string_view text,
                                                 const NumberRange&) {
    if (text == kAuto) return std::optional<Loss>();
    const auto loss = ParseEnum<Loss>(text);
    if (!loss) return std::nullopt;
    return loss;
  }
  static SettingValue Record(std::optional<Loss> value) {
    return value ? NameOf(*value) : kAuto;
  }
};

// "10": so many steps; "2.5s": so many seconds.
template <>
struct FlagValue<EvaluationInterval> : FlagValueBase {
  static constexpr const char* kName = "N";
  static std::string InHelp(const NumberRange& steps) {
    return RangeText(steps);
  }
  static constexpr NumberRange kSeconds = {0.001, 1e9};
  static std::string Expected(const NumberRange& steps) {
    return "a whole number of steps " + RangeText(steps) +
           ", or seconds as 2s or 0.5s, " + RangeText(kSeconds);
  }
  static std::optional<EvaluationInterval> Read(std::string_view text,
                                                const NumberRange& steps) {
    if (text.ends_with('s')) {
      text.remove_suffix(1);
      const auto seconds = ReadNumber<double>(text, kSeconds);
      if (!seconds) return std::nullopt;
      return EvaluationInterval{.steps = {}, .seconds = *seconds};
    }
    const auto count = ReadNumber<int64_t>(text, steps);
    if (!count) return std::nullopt;
    return EvaluationInterval{.steps = *count, .seconds = {}};
  }
  // As it was given: a number of steps, or a text that ends in "s".
  static SettingValue Record(const EvaluationInterval& value) {
    if (value.steps) return *value.steps;
    return std::format("{}s", value.seconds.value_or(0.0));
  }
};

// One number says how many, from 1 on; several are the seeds themselves.
template <>
struct FlagValue<SeedList> : FlagValueBase {
  using Numbers = FlagValue<std::vector<int64_t>>;
  static std::string InHelp(const NumberRange& range) {
    return RangeText(range);
  }
  static constexpr bool kIsList = true;
  static constexpr const char* kName = Numbers::kName;
  static std::string Expected(const NumberRange& range) {
    return "how many seeds, or their list: " + Numbers::Expected(range);
  }
  static std::optional<SeedList> Read(std::string_view text,
                                      const NumberRange& range) {
    auto numbers = Numbers::Read(text, range);
    if (!numbers) return std::nullopt;
    if (numbers->size() == 1) {
      numbers->resize(static_cast<size_t>(numbers->front()));
      std::ranges::iota(*numbers, int64_t{1});
    }
    return SeedList{*std::move(numbers)};
  }
  static SettingValue Record(const SeedList& value) { return value.numbers; }
};

template <>
struct FlagValue<OptimizerName> : FlagValueBase {
  static std::string InHelp(const NumberRange& range) {
    return Expected(range);
  }
  static constexpr const char* kName = "NAME";
  static std::string Expected(const NumberRange&) {
    return JoinedChoices(OptimizerNames());
  }
  static std::optional<OptimizerName> Read(std::string_view text,
                                           const NumberRange&) {
    if (!std::ranges::contains(OptimizerNames(), text)) return std::nullopt;
    return OptimizerName{std::string(text)};
  }
  static SettingValue Record(const OptimizerName& value) { return value.name; }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_RUN_FLAG_VALUE_H_
