#include "cli/progress.h"

#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "sweep/progress_meter.h"

namespace batchsweep {
namespace {

TEST_CASE("the progress line tells where the sweep is", "[progress]") {
  const CellProgress progress = {.cell = 1,
                                 .cells = 3,
                                 .batch_size = 32,
                                 .epoch = 4,
                                 .fraction = 0.5,
                                 .train_loss = 0.41234,
                                 .step_time_median_ns = 52'300};
  CHECK(ProgressLine(progress, -1) ==
        "[2/3] batch 32   epoch 4   [####....] 50%  loss 0.4123  52.3 us/step");
  CHECK(ProgressLine(progress, 0).ends_with("  1 s left"));
  CHECK(ProgressLine(progress, 12'300'000'000).ends_with("  13 s left"));
  CHECK(ProgressLine(progress, 61'000'000'000).ends_with("  62 s left"));
  CHECK(ProgressLine(progress, 121'000'000'000).ends_with("  3 min left"));
  CellProgress of_seeds = progress;
  of_seeds.seed = 2;
  CHECK(ProgressLine(of_seeds, -1) ==
        "[2/3] batch 32   seed 2 epoch 4   [####....] 50%  loss 0.4123  52.3 "
        "us/step");
  of_seeds.seed = 3;
  of_seeds.batch_size = 128;
  CHECK(EpochLine(of_seeds, {.epoch = 10,
                             .train_loss = 0.3,
                             .val_loss = 0.4,
                             .val_accuracy = 0.9}) ==
        "[2/3] batch 128  seed 3 epoch 10  loss 0.3000  val 0.4000 acc 0.9000  "
        "52.3 us");
}

TEST_CASE("an epoch's line tells what it came to", "[progress]") {
  const EpochRecord epoch = {.cell = {.batch_size = 128},
                             .epoch = 10,
                             .train_loss = 0.30101,
                             .train_accuracy = 0.8911,
                             .val_loss = 0.36404,
                             .val_accuracy = 0.8642};
  const CellProgress progress = {
      .cell = 2, .cells = 3, .batch_size = 128, .step_time_median_ns = 219'000};
  CHECK(EpochLine(progress, epoch) ==
        "[3/3] batch 128  epoch 10  loss 0.3010  val 0.3640 acc 0.8642  219 "
        "us/step");
}

TEST_CASE("progress fits a terminal of 80 columns", "[progress]") {
  const CellProgress progress = {.cell = 98,
                                 .cells = 99,
                                 .batch_size = 4096,
                                 .epoch = 100,
                                 .fraction = 1.0,
                                 .train_loss = 12.41234,
                                 .step_time_median_ns = 52'300'000};
  CellProgress of_seeds = progress;
  of_seeds.seed = 2;
  CHECK(ProgressLine(of_seeds, 5'000'000'000'000).size() < 80);
  CHECK(ProgressLine(progress, 5'000'000'000'000).size() < 80);
  CHECK(EpochLine(progress, {.cell = {.batch_size = 4096},
                             .epoch = 100,
                             .train_loss = 12.3,
                             .val_loss = 12.3,
                             .val_accuracy = 0.5})
            .size() <= 80);
}

TEST_CASE("the bar is empty at the start and full at the end", "[progress]") {
  CHECK(ProgressLine({.fraction = 0.0}, -1).contains("[........]"));
  CHECK(ProgressLine({.fraction = 1.0}, -1).contains("[########]"));
  // Nothing was trained of this epoch yet.
  CHECK(ProgressLine({}, -1).contains("loss -"));
}

TEST_CASE("the loss on the way is the mean of all of the epoch's examples",
          "[progress]") {
  RunningLoss loss;
  EpochMeasurements measured = {.epoch = 3};
  CHECK_FALSE(loss.Mean({}, measured).has_value());
  measured.steps.push_back({.loss_sum = 8.0, .examples = 8});
  CHECK(loss.Mean({}, measured) == 1.0);
  measured.steps.push_back({.loss_sum = 6.0, .examples = 2});
  measured.steps.push_back({.loss_sum = 6.0, .examples = 2});
  CHECK(loss.Mean({}, measured) == 20.0 / 12);
  CHECK(loss.Mean({}, measured) == 20.0 / 12);
  // What was trained of it before an interruption counts as well.
  CHECK(loss.Mean({.examples = 8, .loss_sum = 20.0}, measured) == 2.0);
  measured = {.epoch = 4};
  CHECK_FALSE(loss.Mean({}, measured).has_value());
  measured.steps.push_back({.loss_sum = 1.0, .examples = 2});
  CHECK(loss.Mean({}, measured) == 0.5);
  // Behind an evaluation its next part begins, with as many steps.
  measured.steps_before = 1;
  measured.steps = {{.loss_sum = 4.0, .examples = 2}};
  CHECK(loss.Mean({.examples = 2, .loss_sum = 1.0}, measured) == 1.25);
}

TEST_CASE("the step's time on the way is the median of the latest",
          "[progress]") {
  std::vector<StepMeasurement> steps;
  CHECK_FALSE(MedianStepTimeNs(steps));
  for (const int64_t ns : {100, 9'000, 200}) {
    steps.push_back({.phase_ns = {ns}});
  }
  CHECK(MedianStepTimeNs(steps) == 200);
  for (int i = 0; i < 1000; ++i) steps.push_back({.phase_ns = {50}});
  CHECK(MedianStepTimeNs(steps) == 50);
}

}  // namespace
}  // namespace batchsweep
