#include "measure/statistics.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <span>
#include <vector>

#include "record/process_spread.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

std::vector<float> Normal(size_t count, float mean, float deviation,
                          uint64_t seed) {
  Rng rng(seed, 0);
  std::vector<float> values(count);
  for (float& x : values) {
    x = mean + deviation * static_cast<float>(rng.Normal());
  }
  return values;
}

TEST_CASE("quantiles are those of the sorted values", "[statistics]") {
  std::vector<float> values = {5, 1, 4, 2, 3};
  CHECK(Quantile(values, 0.0) == 1);
  CHECK(Quantile(values, 0.5) == 3);
  CHECK(Quantile(values, 0.95) == 5);
  CHECK(Quantile(values, 1.0) == 5);
  CHECK(Quantile({}, 0.5) == 0.0);
}

TEST_CASE("step times are described by medians, by hand", "[statistics]") {
  // Median 10; deviations 2 1 0 1 8 sorted 0 1 1 2 8; relative to each value
  // 2/8 1/9 0 1/11 8/18 sorted 0 0.0909 0.111 0.25 0.444.
  const TimeStatistics found = Describe(std::vector<float>{8, 9, 10, 11, 18});
  CHECK(found.median == 10);
  CHECK(found.mad == 1);
  CHECK_THAT(found.mdape, WithinRel(1.0 / 9.0, 1e-6));
  CHECK(found.p5 == 8);
  CHECK(found.p99 == 18);
  // Thirds of one value: 8 and 18.
  CHECK_THAT(found.drift, WithinRel(18.0 / 8.0 - 1.0, 1e-6));
  CHECK(Describe({}).median == 0.0);
  CHECK(Describe(std::vector<float>{7}).drift == 0.0);
}

TEST_CASE("one hiccup moves no median", "[statistics]") {
  std::vector<float> values = Normal(3001, 100, 1, 1);
  const TimeStatistics calm = Describe(values);
  values[1500] = 1e6f;
  const TimeStatistics hiccup = Describe(values);
  CHECK_THAT(hiccup.median, WithinAbs(calm.median, 0.01));
  CHECK_THAT(hiccup.mad, WithinAbs(calm.mad, 0.01));
  CHECK_THAT(hiccup.mdape, WithinAbs(calm.mdape, 1e-4));
}

TEST_CASE("a slow drift is seen and a steady run has none", "[statistics]") {
  std::vector<float> values = Normal(9000, 100, 2, 2);
  CHECK(std::abs(Describe(values).drift) < 0.005);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] *= 1.0f + 0.12f * static_cast<float>(i) / 9000.0f;
  }
  // From the middle of the first third to that of the last: 0.02 to 0.10.
  CHECK_THAT(Describe(values).drift, WithinAbs(1.10 / 1.02 - 1.0, 0.01));
}

TEST_CASE("the interval covers the true median about 95 times in 100",
          "[statistics]") {
  int covered = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Interval interval = MedianInterval(Normal(600, 50, 5, seed));
    CHECK(interval.low <= interval.high);
    covered += interval.low <= 50 && 50 <= interval.high;
  }
  CHECK(covered >= 180);
  CHECK(covered <= 200);
}

TEST_CASE("alike neighbours make the interval wider", "[statistics]") {
  // The same values: in random order, and in two slow waves.
  std::vector<float> waves(6000);
  for (size_t i = 0; i < waves.size(); ++i) {
    waves[i] = 100 + 10 * std::sin(static_cast<float>(i) * 0.002f);
  }
  std::vector<float> shuffled = waves;
  Rng rng(3, 0);
  Shuffle(std::span(shuffled), rng);
  const Interval wave = MedianInterval(waves);
  const Interval random = MedianInterval(shuffled);
  CHECK(wave.high - wave.low > 2 * (random.high - random.low));
}

TEST_CASE("the interval of few and of equal values", "[statistics]") {
  const Interval one = MedianInterval(std::vector<float>{7});
  CHECK(one.low == 7);
  CHECK(one.high == 7);
  const Interval equal = MedianInterval(std::vector<float>(500, 3.0f));
  CHECK(equal.low == 3);
  CHECK(equal.high == 3);
  CHECK(MedianInterval({}).high == 0.0);
}

TEST_CASE("processes of a cell are summed up by their medians",
          "[statistics]") {
  std::vector<SummaryRecord> summaries;
  for (int process = 1; process <= 3; ++process) {
    for (const int64_t batch_size : {8, 32}) {
      summaries.push_back({.cell = {.batch_size = batch_size,
                                    .seed = 1,
                                    .threads = 1,
                                    .process = process},
                           .step_time_median_ns = 1000 * process + batch_size});
    }
  }
  summaries.push_back({.cell = {.batch_size = 128, .seed = 1, .threads = 1}});
  // Two that diverged before a step that statistics take in.
  summaries.push_back({.cell = {.batch_size = 512, .process = 1}});
  summaries.push_back({.cell = {.batch_size = 512, .process = 2}});
  const auto spreads = SpreadOfProcesses(summaries);
  REQUIRE(spreads.size() == 2);
  CHECK(spreads[0].cell.batch_size == 8);
  CHECK(spreads[0].processes == 3);
  CHECK(spreads[0].step_time_median_ns == 2008);
  CHECK(spreads[0].least_step_time_median_ns == 1008);
  CHECK(spreads[1].greatest_step_time_median_ns == 3032);
  const std::string table = SpreadTable(spreads);
  CHECK(table.contains("2.0 us"));
  CHECK(table.contains("99.6 %"));  // 2000 of 2008
  CHECK(SpreadTable({}).empty());
}

}  // namespace
}  // namespace batchsweep
