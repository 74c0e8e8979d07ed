#include "cli/progress.h"

#include <catch2/catch_test_macros.hpp>

namespace batchsweep {
namespace {

TEST_CASE("the progress line tells where the sweep is", "[progress]") {
  const CellProgress progress = {
      .cell = 1,
      .cells = 3,
      .fraction = 0.4,
      .step_time_mean_ns = 52'300,
      .step = {.cell = {.batch_size = 32}, .epoch = 4, .loss = 0.41234f}};
  CHECK(ProgressLine(progress, -1) ==
        "[2/3] batch 32   epoch 4   [########............]  40%  loss 0.4123  "
        "52.3 us/step");
  CHECK(ProgressLine(progress, 0).ends_with("  1 s left"));
  CHECK(ProgressLine(progress, 12'300'000'000).ends_with("  13 s left"));
  CHECK(ProgressLine(progress, 61'000'000'000).ends_with("1 min 01 s left"));
}

TEST_CASE("the bar is empty at the start and full at the end", "[progress]") {
  CHECK(ProgressLine({.fraction = 0.0}, -1).contains("[....................]"));
  CHECK(ProgressLine({.fraction = 1.0}, -1).contains("[####################]"));
}

}  // namespace
}  // namespace batchsweep
