#include "record/time_to_target.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "record/rounded_figure.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinAbs;
using Outcome = ToTarget::Outcome;

EvaluationRecord At(double seconds, double loss) {
  return {.train_time_ns = std::llround(1e9 * seconds), .val_loss = loss};
}

TEST_CASE("the time to a target lies between the evaluations around it",
          "[advice]") {
  std::vector training = {At(1, 0.5), At(2, 0.4), At(3, 0.2), At(4, 0.6),
                          At(5, 0.1)};
  const auto time = [&](double loss) {
    return TimeToTarget(training, {.value = loss});
  };
  CHECK(time(0.35).outcome == Outcome::kReached);
  CHECK_THAT(time(0.35).seconds, WithinAbs(2.25, 1e-9));
  CHECK_THAT(time(0.4).seconds, WithinAbs(2, 1e-9));
  CHECK(time(0.05).outcome == Outcome::kNotReached);
  CHECK(time(0.5).outcome == Outcome::kByFirstEvaluation);
  CHECK_FALSE(time(0.35).joules);
  training[1].train_energy_joules = 4;
  training[2].train_energy_joules = 8;
  CHECK_THAT(time(0.35).joules.value_or(0), WithinAbs(5, 1e-9));
  // From a loss that is not finite nothing is interpolated.
  training[1].val_loss = NAN;
  CHECK_THAT(time(0.35).seconds, WithinAbs(3, 1e-9));
}

TEST_CASE("a target may be a loss on training examples, or an accuracy",
          "[advice]") {
  std::vector training = {At(1, 0.5), At(2, 0.4)};
  const AdviceTarget subset = {.measure = TargetMeasure::kSubsetLoss,
                               .value = 0.35};
  CHECK(TimeToTarget(training, subset).outcome == Outcome::kNotReached);
  training[0].subset_loss = 0.45;
  training[1].subset_loss = 0.25;
  CHECK_THAT(TimeToTarget(training, subset).seconds, WithinAbs(1.5, 1e-9));
  const AdviceTarget accuracy = {.measure = TargetMeasure::kValAccuracy,
                                 .value = 0.875};
  CHECK(TimeToTarget(training, accuracy).outcome == Outcome::kNotReached);
  training[0].val_accuracy = 0.8;
  training[1].val_accuracy = 0.9;
  CHECK_THAT(TimeToTarget(training, accuracy).seconds, WithinAbs(1.75, 1e-9));
}

double TargetOfTwo(double first, double best, double worse_best) {
  const std::vector one = {At(1, first), At(2, best)};
  const std::vector other = {At(1, first), At(2, worse_best), At(3, first)};
  const std::vector<std::span<const EvaluationRecord>> both = {one, other};
  return TargetOfAll(both)->value;
}

TEST_CASE("the target that all reached has few digits, and all did reach it",
          "[advice]") {
  CHECK(TargetOfTwo(0.5, 0.31, 0.3571) == 0.36);
  CHECK(TargetOfTwo(0.5, 0.31, 0.3511) == 0.352);
  CHECK(TargetOfTwo(0.5, 0.31, 0.36) == 0.36);
  CHECK(TargetOfTwo(2.31, 2.30, 2.301234) == 2.3013);
  CHECK(TargetOfTwo(140, 95, 123) == 123);
  CHECK(TargetOfTwo(-1.5, -2.31, -2.0571) == -2.05);
  // One that never went down.
  CHECK(TargetOfTwo(0.5, 0.31, 0.6) == 0.5);
  CHECK(TargetOfTwo(2.24399, 2.1, 2.3) == 2.25);
  CHECK_FALSE(TargetOfAll({}));
  const std::vector diverged = {At(1, NAN)};
  const std::vector<std::span<const EvaluationRecord>> one = {diverged};
  CHECK_FALSE(TargetOfAll(one));
}

std::string Shown(double value, double low, double high, double floor = 0) {
  const RoundedFigure shown =
      Rounded(value, Interval{.low = low, .high = high}, floor);
  return shown.value + " (" + shown.low + " to " + shown.high + ")";
}

TEST_CASE("figures have no more digits than their interval leaves certain",
          "[advice]") {
  CHECK(Shown(0.7923, 0.7112, 0.9034) == "0.79 (0.71 to 0.90)");
  CHECK(Shown(0.7923, 0.7911, 0.7935) == "0.792 (0.791 to 0.793)");
  CHECK(Shown(0.7923, 0.79229, 0.79231) == "0.792 (0.792 to 0.792)");
  CHECK(Shown(12.345, 8.1, 19.3) == "12 (8 to 19)");
  CHECK(Shown(4567, 4411, 4720) == "4600 (4400 to 4700)");
  CHECK(Shown(4567, 4557, 4577) == "4570 (4560 to 4580)");
  CHECK(Shown(3.2, 1.24, 8.52) == "3 (1 to 9)");
  CHECK(Shown(3.2, 1.24, 8.52, 1) == "3 (1.2 to 9)");
  CHECK(Shown(1.04, 1.004, 1.08, 1) == "1.04 (1.004 to 1.08)");
  CHECK(Shown(1.79, 1.04, 3.08, 1) == "2 (1.04 to 3)");
  CHECK(Shown(1.31, 1.04, 1.61, 1) == "1.3 (1.04 to 1.6)");
  CHECK(Shown(1.31, 0.94, 1.61, 1) == "1.3 (0.9 to 1.6)");
  CHECK(Shown(0.8, 0.004, 160) == "0.8 (0.004 to 200)");
  CHECK(Rounded(0.7923, std::nullopt).value == "0.79");
  CHECK(Rounded(1234, std::nullopt).value == "1200");
  CHECK(Rounded(1234, std::nullopt).low.empty());
}

}  // namespace
}  // namespace batchsweep
