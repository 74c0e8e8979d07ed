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
          .scores = {.loss = loss, .accuracy = accuracy},
          .time_ns = 50};
}

TEST_CASE("an epoch's row is the mean over its examples", "[totals]") {
  CellTotals totals;
  totals.Add(TwoSteps(1), {.flags = kFlags, .energy_joules = 2.5});
  const EpochRecord epoch = totals.FinishEpoch(kCell, Validated(1, 0.5, 0.75));
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
  const auto want = whole.FinishEpoch(kCell, validation);
  const auto got = parts.FinishEpoch(kCell, validation);
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
  const EpochRecord first = totals.FinishEpoch(kCell, Validated(1, 0.5, 0.5));
  CHECK_FALSE(first.train_accuracy);
  CHECK_FALSE(first.train_energy_joules);
  totals.Add(TwoSteps(2), {.flags = kFlags, .energy_joules = 1.0});
  const EpochRecord second = totals.FinishEpoch(kCell, Validated(2, 0.5, 0.5));
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
    totals.Evaluate(kCell, validation, 0.8);
    totals.FinishEpoch(kCell, validation);
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
  CHECK(record.time_to_target_ns == 2000);
  CHECK(record.energy_to_target_joules == 4.0);
  CHECK(record.train_energy_joules == 6.0);
  CHECK(record.flagged_steps == 3);
  CHECK(record.step_time_p95_ns == 26);
  CHECK(record.clean_step_time_median_ns == 10);
  CHECK(summary.statistics.counts.all_steps == 6);
}

TEST_CASE("a validation loss that is no number is never the best", "[totals]") {
  CellTotals totals;
  totals.Add(TwoSteps(1), {.flags = kFlags, .energy_joules = {}});
  totals.FinishEpoch(
      kCell, Validated(1, std::numeric_limits<double>::quiet_NaN(), 0.1));
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
