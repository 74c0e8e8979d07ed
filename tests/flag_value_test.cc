#include "cli/flag_value.h"

#include <catch2/catch_test_macros.hpp>

#include "cli/composed_flag_value.h"
#include "cli/run_flag_value.h"
#include "cli/run_flags.h"
#include "cli/setup.h"

namespace batchsweep {
namespace {

constexpr NumberRange kPercent = {0, 100};

TEST_CASE("a number is read whole, finite and within its range", "[flags]") {
  CHECK(FlagValue<int>::Read("100", kPercent) == 100);
  CHECK(FlagValue<int>::Read("0", kPercent) == 0);
  for (const char* text :
       {"", "101", "-1", "1.5", "1e1", " 1", "1 ", "0x1",
        "99999999999999999999", "nan", "010", "00", "-0", "+8"}) {
    INFO(text);
    CHECK_FALSE(FlagValue<int>::Read(text, kPercent));
  }
  CHECK(FlagValue<double>::Read("99.5", kPercent) == 99.5);
  CHECK(FlagValue<double>::Read("0.5", kPercent) == 0.5);
  CHECK(FlagValue<double>::Read("0e1", kPercent) == 0.0);
  for (const char* text :
       {"", "100.1", "-1e-9", "nan", "inf", "-inf", "1x", "010", "00.5", "-0",
        "-0.0", "+8", "1e400", "-nan"}) {
    INFO(text);
    CHECK_FALSE(FlagValue<double>::Read(text, kPercent));
  }
  constexpr NumberRange above = {0, 1e38, true};
  CHECK(FlagValue<float>::Read("0.001", above) == 0.001f);
  CHECK_FALSE(FlagValue<float>::Read("0", above));
  CHECK_FALSE(FlagValue<float>::Read("1e-60", above));  // 0 as a float
  CHECK_FALSE(FlagValue<float>::Read("1e39", above));
  constexpr NumberRange or_zero = {.low = 0.5, .high = 2, .or_zero = true};
  CHECK(FlagValue<double>::Read("0", or_zero) == 0.0);
  CHECK(FlagValue<double>::Read("0.5", or_zero) == 0.5);
  CHECK_FALSE(FlagValue<double>::Read("0.4", or_zero));
}

TEST_CASE("a list is as good as each of its numbers", "[flags]") {
  using List = FlagValue<std::vector<int>>;
  CHECK(List::Read("1,20", kPercent) == std::vector{1, 20});
  for (const char* text :
       {"", "1,", ",1", "1,,2", "1;2", "1,101", "1,010", "1, 2"}) {
    INFO(text);
    CHECK_FALSE(List::Read(text, kPercent));
  }
}

TEST_CASE("ranges read as one says them", "[flags]") {
  CHECK(RangeText({1, 1'000'000}) == "from 1 to 1,000,000");
  CHECK(RangeText({0, 999, true}) == "above 0 and up to 999");
  CHECK(RangeText({.low = 0.001, .high = 1000, .or_zero = true}) ==
        "0 or from 0.001 to 1,000");
  CHECK(RangeText({0, 1e38, true}) == "above 0 and up to 1e+38");
  CHECK(FlagValue<int>::Expected(kPercent) == "a whole number from 0 to 100");
}

TEST_CASE("what may be absent, a name or a file is read as such", "[flags]") {
  CHECK(FlagValue<LrRule>::Read("sqrt", {}) == LrRule::kSqrt);
  CHECK_FALSE(FlagValue<LrRule>::Read("cube", {}));
  CHECK(FlagValue<LrRule>::Expected({}) == "none, sqrt or linear");
  using MaybeNumber = FlagValue<std::optional<int>>;
  CHECK(MaybeNumber::Read("7", kPercent)->value() == 7);
  CHECK_FALSE(MaybeNumber::Read("x", kPercent).has_value());
  using MaybeLoss = FlagValue<std::optional<Loss>>;
  REQUIRE(MaybeLoss::Read("auto", {}).has_value());
  CHECK_FALSE(MaybeLoss::Read("auto", {})->has_value());
  REQUIRE(MaybeLoss::Read("mean_squared_error", {}).has_value());
  CHECK(**MaybeLoss::Read("mean_squared_error", {}) == Loss::kMeanSquaredError);
  CHECK_FALSE(MaybeLoss::Read("mse", {}));
  using Weights = FlagValue<InitialWeights>;
  CHECK(Weights::Read("fresh", {})->kind == InitialWeights::Kind::kFresh);
  const auto file = Weights::Read("w.safetensors", {});
  REQUIRE(file);
  CHECK(file->kind == InitialWeights::Kind::kFile);
  CHECK(Weights::Record(*file) == SettingValue("w.safetensors"));
}

TEST_CASE("evaluations come every so many steps or seconds", "[flags]") {
  using Interval = FlagValue<EvaluationInterval>;
  constexpr NumberRange kSteps = {1, 1000};
  CHECK(Interval::Read("10", kSteps)->steps == 10);
  CHECK_FALSE(Interval::Read("10", kSteps)->seconds);
  CHECK(Interval::Read("2.5s", kSteps)->seconds == 2.5);
  CHECK_FALSE(Interval::Read("2.5s", kSteps)->steps);
  for (const char* text : {"", "0", "1001", "1.5", "-1", "s", "0s", "0.0001s",
                           "2 s", "2m", "2ss", "nans", "infs", "1e10s"}) {
    INFO(text);
    CHECK_FALSE(Interval::Read(text, kSteps));
  }
  CHECK(Interval::Record({.steps = 10, .seconds = {}}) ==
        SettingValue(int64_t{10}));
  CHECK(Interval::Record({.steps = {}, .seconds = 2.5}) ==
        SettingValue("2.5s"));
}

TEST_CASE("a target is one, and what concerns it needs it", "[flags]") {
  const auto refusal = [](const auto& change) {
    RunOptions options;
    change(options.sweep);
    const Status status = CompleteOptions(options);
    return status ? "" : status.error().message;
  };
  CHECK(refusal([](SweepConfig& sweep) {
          sweep.target_accuracy = 0.8;
          sweep.target_loss = 0.3;
        }).contains("one of --target-accuracy and --target-loss"));
  CHECK(refusal([](SweepConfig& sweep) {
          sweep.target_accuracy = 0.8;
          sweep.target_examples = 10;
        }).contains("--target-examples: expected --target-loss"));
  CHECK(refusal([](SweepConfig& sweep) {
          sweep.stop_at_target = true;
        }).contains("--stop-at-target: expected --target-accuracy or"));
  RunOptions options;
  options.sweep.target_loss = 0.3;
  options.sweep.stop_at_target = true;
  REQUIRE(CompleteOptions(options));
  CHECK(options.sweep.target_examples == 8192);
}

TEST_CASE("one number says how many seeds, several say which", "[flags]") {
  using Seeds = FlagValue<SeedList>;
  constexpr NumberRange kRange = {1, 10'000};
  const auto numbers = [&](const char* text) {
    const auto read = Seeds::Read(text, kRange);
    return read ? read->numbers : std::vector<int64_t>{-1};
  };
  CHECK(numbers("1") == std::vector<int64_t>{1});
  CHECK(numbers("3") == std::vector<int64_t>{1, 2, 3});
  CHECK(numbers("4,5") == std::vector<int64_t>{4, 5});
  CHECK(numbers("7,2,9") == std::vector<int64_t>{7, 2, 9});
  for (const char* text : {"", "0", "0,1", "4,", "x", "1.5", "10001", "-1"}) {
    INFO(text);
    CHECK_FALSE(Seeds::Read(text, kRange).has_value());
  }
  CHECK(Seeds::Record({{4, 5}}) == SettingValue(std::vector<int64_t>{4, 5}));
}

TEST_CASE("run.json records what is used where a flag is not given",
          "[flags]") {
  RunOptions options;
  options.optimizer = {"sgd"};
  options.optimizer_options.momentum = 0.9f;
  REQUIRE(CompleteOptions(options));
  const auto value = [&](const std::string& name) -> SettingValue {
    for (const Setting& setting : SettingsOf(options)) {
      if (setting.name == name) return setting.value;
    }
    return "no such setting";
  };
  CHECK(value("batch_sizes") == SettingValue(std::vector<int64_t>{8, 32, 128}));
  CHECK(value("seeds") == SettingValue(std::vector<int64_t>{1, 2, 3}));
  CHECK(options.sweep.seeds == std::vector<int64_t>{1, 2, 3});
  CHECK(value("epochs") == SettingValue(int64_t{10}));
  CHECK(value("steps") == SettingValue());
  CHECK(value("learning_rate") == SettingValue(0.01));
  CHECK(value("momentum") == SettingValue(0.9));
  CHECK(value("shuffle") == SettingValue(true));
  CHECK(value("init") == SettingValue("shared"));
  // Not what a resumed run may have otherwise.
  for (const char* flag : {"resume", "out", "json", "memory_limit"}) {
    CHECK(value(flag) == SettingValue("no such setting"));
  }
}

}  // namespace
}  // namespace batchsweep
