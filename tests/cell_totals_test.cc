// What flows from an epoch's measurements to a cell's summary.
#include "train/cell_totals.h"

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <limits>
#include <string>

#include "record/csv_reader.h"
#include "tests/temp_dir.h"
#include "train/budget.h"
#include "train/epoch_recorder.h"
#include "train/evaluation_interval.h"

namespace batchsweep {
namespace {

constexpr CellKey kCell = {
    .batch_size = 4, .seed = 7, .threads = 2, .process = 3};

// Two steps of 4 and 2 examples, with 3 and 1 right.
EpochMeasurements TwoSteps(int64_t epoch) {
  return {.epoch = epoch,
          .steps_before = 2 * (epoch - 1),
          .train_time_ns = 1000,
          .steps = {{.start_ns = 10,
                     .phase_ns = {1, 2, 3, 4},
                     .loss_sum = 8.0,
                     .examples = 4,
                     .correct = 3},
                    {.start_ns = 100,
                     .phase_ns = {5, 6, 7, 8},
                     .loss_sum = 1.0,
                     .examples = 2,
                     .correct = 1}}};
}

// What the board did: the second step throttled.
constexpr StepFlags kThrottled = {
    .bits = 1 << static_cast<int>(StepFlag::kThrottled)};
constexpr StepFlags kFlags[] = {{}, kThrottled};

Validation Validated(int64_t epoch, double loss, double accuracy) {
  return {.epoch = epoch,
          .step = 2 * epoch,
          .examples = 6 * epoch,
          .scores = {.loss = loss, .accuracy = accuracy},
          .time_ns = 50};
}

EpochRecord FinishEpoch(CellTotals& totals, const Validation& validation,
                        const Target& target = {}) {
  totals.Evaluate(kCell, validation, target);
  return totals.FinishEpoch(kCell, validation);
}

TEST_CASE("an epoch's row is the mean over its examples", "[totals]") {
  CellTotals totals;
  totals.Add(TwoSteps(1), {.flags = kFlags, .energy_joules = 2.5});
  const EpochRecord epoch = FinishEpoch(totals, Validated(1, 0.5, 0.75));
  CHECK(epoch.cell == kCell);
  CHECK(epoch.epoch == 1);
  CHECK(epoch.steps == 2);
  CHECK(epoch.train_loss == 1.5);
  CHECK(epoch.train_accuracy == 4.0 / 6);
  CHECK(epoch.val_loss == 0.5);
  CHECK(epoch.train_time_ns == 1000);
  CHECK(epoch.val_time_ns == 50);
  CHECK(epoch.train_energy_joules == 2.5);
  CHECK(totals.epoch.steps == 0);
}

TEST_CASE("an epoch in two parts adds up to the whole", "[totals]") {
  CellTotals whole, parts;
  whole.Add(TwoSteps(1), {.flags = kFlags, .energy_joules = 2.0});
  EpochMeasurements first = TwoSteps(1), rest = TwoSteps(1);
  first.steps.pop_back();
  rest.steps.erase(rest.steps.begin());
  first.train_time_ns = 400;
  rest.train_time_ns = 600;
  parts.Add(first, {.flags = std::span(kFlags).first(1), .energy_joules = 0.5});
  parts.Add(rest, {.flags = std::span(kFlags).last(1), .energy_joules = 1.5});
  const auto validation = Validated(1, 0.5, 0.75);
  const auto want = FinishEpoch(whole, validation);
  const auto got = FinishEpoch(parts, validation);
  CHECK(got.train_loss == want.train_loss);
  CHECK(got.train_accuracy == want.train_accuracy);
  CHECK(got.steps == want.steps);
  CHECK(got.train_time_ns == want.train_time_ns);
  CHECK(got.train_energy_joules == want.train_energy_joules);
}

TEST_CASE("energy and accuracy are absent as soon as a part of them is",
          "[totals]") {
  CellTotals totals;
  EpochMeasurements measured = TwoSteps(1);
  for (StepMeasurement& step : measured.steps) step.correct.reset();
  totals.Add(measured, {.flags = kFlags, .energy_joules = std::nullopt});
  const EpochRecord first = FinishEpoch(totals, Validated(1, 0.5, 0.5));
  CHECK_FALSE(first.train_accuracy);
  CHECK_FALSE(first.train_energy_joules);
  totals.Add(TwoSteps(2), {.flags = kFlags, .energy_joules = 1.0});
  const EpochRecord second = FinishEpoch(totals, Validated(2, 0.5, 0.5));
  CHECK(second.train_accuracy);
  CHECK(second.train_energy_joules == 1.0);
  CHECK_FALSE(Summarize(kCell, totals, {}).record.train_energy_joules);
}

TEST_CASE("a summary has the best epoch, the target's time and all steps",
          "[totals]") {
  CellTotals totals;
  const Validation validations[] = {
      Validated(1, 0.5, 0.6), Validated(2, 0.3, 0.8), Validated(3, 0.4, 0.9)};
  for (const Validation& validation : validations) {
    totals.Add(TwoSteps(validation.epoch),
               {.flags = kFlags, .energy_joules = 2.0});
    FinishEpoch(totals, validation, {.accuracy = 0.8});
  }
  const CellSummary summary =
      Summarize(kCell, totals, {.loss = 0.45, .accuracy = 0.7});
  const SummaryRecord& record = summary.record;
  CHECK(record.cell == kCell);
  CHECK(record.epochs == 3);
  CHECK(record.steps == 6);
  CHECK(record.best_val_loss == 0.3);
  CHECK(record.best_epoch == 2);
  CHECK(record.final_val_loss == 0.4);
  CHECK(record.final_val_accuracy == 0.9);
  CHECK(record.test_loss == 0.45);
  CHECK(record.steps_to_target == 4);
  CHECK(record.time_to_target_ns == 2000);
  CHECK(record.energy_to_target_joules == 4.0);
  CHECK(record.train_energy_joules == 6.0);
  CHECK(record.flagged_steps == 3);
  CHECK(record.step_time_p95_ns == 26);
  CHECK(record.clean_step_time_median_ns == 10);
  CHECK(summary.statistics.counts.all_steps == 6);
}

// The first of the two steps, or the second.
EpochMeasurements OneStep(size_t index) {
  EpochMeasurements measured = TwoSteps(1);
  measured.steps_before = static_cast<int64_t>(index);
  measured.steps = {measured.steps[index]};
  measured.train_time_ns = index == 0 ? 400 : 600;
  return measured;
}

TEST_CASE("an evaluation within an epoch tells of all training before it",
          "[totals]") {
  CellTotals totals;
  totals.Add(TwoSteps(1), {.flags = kFlags, .energy_joules = 2.0});
  FinishEpoch(totals, Validated(1, 0.5, 0.6));
  totals.Add(OneStep(0),
             {.flags = std::span(kFlags).first(1), .energy_joules = 0.5});
  const Validation within = {.epoch = 2,
                             .step = 3,
                             .examples = 10,
                             .scores = {.loss = 0.4, .accuracy = 0.7},
                             .subset_loss = 0.3,
                             .time_ns = 70};
  const EvaluationRecord record = totals.Evaluate(kCell, within, {});
  CHECK(record.cell == kCell);
  CHECK(record.epoch == 2);
  CHECK(record.step == 3);
  CHECK(record.examples == 10);
  CHECK(record.train_time_ns == 1400);
  CHECK(record.train_energy_joules == 2.5);
  CHECK(record.val_loss == 0.4);
  CHECK(record.val_accuracy == 0.7);
  CHECK(record.subset_loss == 0.3);
  CHECK(record.val_time_ns == 70);
  totals.Add(OneStep(1),
             {.flags = std::span(kFlags).last(1), .energy_joules = 1.5});
  const EpochRecord epoch = FinishEpoch(totals, Validated(2, 0.3, 0.8));
  CHECK(epoch.steps == 2);
  CHECK(epoch.train_loss == 1.5);
  CHECK(epoch.train_time_ns == 1000);
  CHECK(epoch.train_energy_joules == 2.0);
  CHECK(epoch.val_time_ns == 70 + 50);
  CHECK(epoch.val_loss == 0.3);
  CHECK(totals.train_time_ns == 2000);
}

TEST_CASE("the first evaluation that reaches the target counts", "[totals]") {
  CellTotals totals;
  const auto evaluate = [&](int64_t step, std::optional<double> subset_loss) {
    totals.Add(OneStep(0),
               {.flags = std::span(kFlags).first(1), .energy_joules = 0.5});
    Validation validation = Validated(1, 0.1, 0.99);
    validation.step = step;
    validation.subset_loss = subset_loss;
    totals.Evaluate(kCell, validation, {.loss = 0.35});
  };
  constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
  evaluate(10, 0.36);
  evaluate(20, kNoNumber);
  evaluate(30, std::nullopt);
  CHECK_FALSE(totals.steps_to_target);
  evaluate(40, 0.35);
  evaluate(50, 0.2);
  evaluate(60, 0.4);
  CHECK(totals.steps_to_target == 40);
  CHECK(totals.time_to_target_ns == 4 * 400);
  CHECK(totals.energy_to_target_joules == 2.0);
  const SummaryRecord record = Summarize(kCell, totals, {}).record;
  CHECK(record.steps_to_target == 40);
  CHECK_FALSE(IsReached({}, Validated(1, 0.0, 1.0)));
  CHECK(IsReached({.accuracy = 0.9}, Validated(1, 0.0, 0.9)));
  CHECK_FALSE(IsReached({.accuracy = 0.9}, {.subset_loss = 0.0}));
}

TEST_CASE("evaluations are due at multiples, once", "[evaluation]") {
  const auto due = [](const EvaluationInterval& interval, int64_t step,
                      int64_t evaluated) {
    return IsDue(interval, {.step = step,
                            .step_time_ns = step * 100'000'000,
                            .evaluated_step = evaluated,
                            .evaluated_step_time_ns = evaluated * 100'000'000});
  };
  const EvaluationInterval steps = {.steps = 10, .seconds = {}};
  const EvaluationInterval seconds = {.steps = {}, .seconds = 0.5};
  CHECK_FALSE(due({}, 1000, 0));
  CHECK_FALSE(due(steps, 9, 0));
  CHECK(due(steps, 10, 0));
  CHECK_FALSE(due(steps, 10, 10));
  CHECK(due(steps, 20, 13));  // 13: an epoch's end
  CHECK_FALSE(due(steps, 19, 13));
  CHECK_FALSE(due(seconds, 4, 0));
  CHECK(due(seconds, 5, 0));
  CHECK_FALSE(due(seconds, 9, 5));
  CHECK(due(seconds, 10, 6));
}

TEST_CASE("a validation loss that is no number is never the best", "[totals]") {
  CellTotals totals;
  totals.Add(TwoSteps(1), {.flags = kFlags, .energy_joules = {}});
  FinishEpoch(totals,
              Validated(1, std::numeric_limits<double>::quiet_NaN(), 0.1));
  CHECK_FALSE(totals.best_val_loss);
  CHECK(totals.best_epoch == 0);
}

TEST_CASE("recorded rows have the cell, epoch and step that they are of",
          "[totals][csv]") {
  const TempDir folder;
  EpochMeasurements measured = TwoSteps(5);
  measured.counts = {{.step = 10, .counts = {.phase = "load", .time_ns = 5}}};
  {
    EpochRecorder recorder(
        SensorSources(),
        Recorder::Create(folder.path(), /*counters=*/true).value(), kCell);
    const auto conditions = recorder.Record({}, measured).value();
    REQUIRE(conditions.flags.size() == 2);
    CHECK_FALSE(conditions.energy_joules);
  }
  const auto steps = ReadCsv<StepRecord>(folder.path() / "steps.csv").value();
  REQUIRE(steps.size() == 2);
  CHECK(steps[1].cell == kCell);
  CHECK(steps[1].epoch == 5);
  CHECK(steps[1].step == 10);
  CHECK(steps[1].loss == 0.5f);
  CHECK(steps[1].accuracy == 0.5f);
  CHECK(steps[1].step_time_ns == 26);
  CHECK(steps[1].update_time_ns == 8);
  std::ifstream counters(folder.path() / "counters.csv");
  std::string row;
  std::getline(counters, row);
  std::getline(counters, row);
  CHECK(row.starts_with("4,7,2,3,5,10,load,5,"));
}

TEST_CASE("a budget is spent by its own measure", "[budget]") {
  const TrainingPosition at = {.epoch = 2,
                               .epoch_examples = 50,
                               .step = 15,
                               .step_time_ns = 500'000'000};
  CHECK(SpentFraction({.epochs = 3}, at, 100) == 0.5);
  CHECK(SpentFraction({.steps = 60}, at, 100) == 0.25);
  CHECK(SpentFraction({.seconds = 2.0}, at, 100) == 0.25);
  CHECK(SpentFraction({.steps = 10}, at, 100) == 1.0);
  CHECK_FALSE(IsSpent({.epochs = 2}, at));
  CHECK(IsSpent({.epochs = 1}, at));
  CHECK(IsSpent({.steps = 15}, at));
  CHECK_FALSE(IsSpent({.steps = 16}, at));
  CHECK(IsSpent({.seconds = 0.5}, at));
  CHECK_FALSE(IsSpent({.seconds = 0.6}, at));
  CHECK(PlannedSteps({.epochs = 3}, 10) == 30);
  CHECK(PlannedSteps({.steps = 7}, 10) == 7);
  CHECK_FALSE(PlannedSteps({.seconds = 1.0}, 10));
}

}  // namespace
}  // namespace batchsweep
