// A cell's step times in bounded memory, against all of them.
#include "measure/step_history.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <limits>

#include "measure/step_statistics.h"
#include "record/json.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

StepFlags Flags(std::initializer_list<StepFlag> flags) {
  StepFlags all;
  for (const StepFlag flag : flags) all.Add(flag);
  return all;
}

// Times that drift by a fifth, with a heavy tail and a rhythm of 1000 steps.
std::vector<float> MadeUpTimes(size_t count) {
  Rng rng(7, 0);
  std::vector<float> times(count);
  for (size_t i = 0; i < count; ++i) {
    const double drift =
        1.0 + 0.2 * static_cast<double>(i) / static_cast<double>(count);
    const double tail = 0.02 / std::sqrt(1.0 - rng.Uniform());  // Pareto's
    const double rhythm = i % 1000 == 999 ? 2.0 : 1.0;
    times[i] = static_cast<float>(30'000.0 * drift * rhythm *
                                  (1.0 + tail + 0.01 * rng.Normal()));
  }
  return times;
}

StepHistory HistoryOf(std::span<const float> times) {
  StepHistory history;
  for (const float time_ns : times) history.Add(time_ns, {});
  return history;
}

// The share of `sorted` below `value`.
double RankOf(double value, std::span<const float> sorted) {
  const auto below =
      std::ranges::lower_bound(sorted, static_cast<float>(value));
  return static_cast<double>(below - sorted.begin()) /
         static_cast<double>(sorted.size());
}

TEST_CASE("a step time is kept as it is while there is room for all",
          "[step_history]") {
  const auto times = MadeUpTimes(static_cast<size_t>(kKeptSteps));
  const StepHistory history = HistoryOf(times);
  CHECK(history.level == 0);
  CHECK(history.times_ns == times);
  CHECK(history.flags.size() == times.size());
  CHECK(history.IsConsistent());
}

TEST_CASE("one step more than there is room for leaves one of each two",
          "[step_history]") {
  auto times = MadeUpTimes(static_cast<size_t>(kKeptSteps) + 1);
  for (size_t i = 0; i < times.size(); ++i) times[i] = static_cast<float>(i);
  const StepHistory history = HistoryOf(times);
  CHECK(history.level == 1);
  CHECK(history.counts.steps == kKeptSteps + 1);
  REQUIRE(history.times_ns.size() >= times.size() / 2);
  int64_t later = 0;
  for (size_t i = 0; i < times.size() / 2; ++i) {
    const auto number = static_cast<size_t>(history.times_ns[i]);
    REQUIRE(number / 2 == i);
    later += number % 2;
  }
  // Either of the two, as a coin falls: four standard deviations.
  CHECK(std::abs(later - kKeptSteps / 4) < 4 * 128);
}

TEST_CASE("kept steps are one of each window, in the order of time",
          "[step_history]") {
  StepHistory history;
  for (int64_t i = 0; i < 3'000'000; ++i) {
    history.Add(static_cast<float>(i), {});
    if (i % 99'991 == 0) CHECK(history.IsConsistent());
  }
  CHECK(history.level == 5);
  CHECK(history.times_ns.capacity() <= static_cast<size_t>(kKeptSteps));
  for (size_t i = 0; i < history.times_ns.size(); ++i) {
    REQUIRE(static_cast<size_t>(history.times_ns[i]) >> 5 == i);
  }
}

TEST_CASE("statistics of three million steps stay within the error said",
          "[step_history][statistics]") {
  std::vector<float> times = MadeUpTimes(3'000'000);
  const TimeStatistics exact = Describe(times);
  const StepStatistics found = DescribeSteps(HistoryOf(times));
  CHECK(found.counts.steps == 3'000'000);
  const TimeStatistics& kept = found.all.value();
  std::ranges::sort(times);
  const auto off = [&](double value, double fraction) {
    return std::abs(RankOf(value, times) - fraction);
  };
  CHECK(off(kept.median, 0.5) < 0.0054);
  CHECK(off(kept.p5, 0.05) < 0.0024);
  CHECK(off(kept.p95, 0.95) < 0.0024);
  CHECK(off(kept.p99, 0.99) < 0.0011);
  CHECK_THAT(kept.median, WithinRel(exact.median, 0.002));
  CHECK_THAT(kept.mad, WithinRel(exact.mad, 0.02));
  CHECK_THAT(kept.mdape, WithinRel(exact.mdape, 0.02));
  CHECK_THAT(kept.drift, WithinAbs(exact.drift, 0.002));
  // Blocks of neighbours are as alike as those of all steps are.
  const double exact_width = exact.median_high - exact.median_low;
  CHECK(kept.median_high - kept.median_low > 0.7 * exact_width);
  CHECK(kept.median_high - kept.median_low < 1.5 * exact_width);
}

TEST_CASE("the error of a quantile is that of its formula over many histories",
          "[step_history][statistics]") {
  // Ranks of made-up steps, so that a kept quantile is its own rank. 40 runs,
  // each of another length behind a full history.
  double squares = 0.0;
  constexpr int kRuns = 40;
  for (int run = 0; run < kRuns; ++run) {
    Rng rng(static_cast<uint64_t>(run), 0);
    StepHistory history;
    const int64_t steps = kKeptSteps + 1 + run * 1000;
    for (int64_t i = 0; i < steps; ++i) {
      history.Add(static_cast<float>(rng.Uniform()), {});
    }
    const double off = DescribeSteps(history).all->median - 0.5;
    squares += off * off;
  }
  // sqrt(q (1 - q) / n), and what the steps' own ranks vary by.
  const double said = std::sqrt(0.25 / static_cast<double>(kKeptSteps / 2));
  CHECK(std::sqrt(squares / kRuns) < 1.6 * said);
}

TEST_CASE("what statistics leave out is counted and takes no room",
          "[step_history]") {
  StepHistory history;
  for (int i = 0; i < 10; ++i) history.Add(900.0f, Flags({StepFlag::kWarmup}));
  for (int i = 0; i < 1'000'000; ++i) {
    // An epoch of two steps, the second on part of a batch.
    history.Add(20.0f, i % 4 == 0 ? Flags({StepFlag::kLoad}) : StepFlags());
    history.Add(5.0f, Flags({StepFlag::kPartBatch, StepFlag::kLoad}));
  }
  const StepStatistics found = DescribeSteps(history);
  CHECK(found.counts.all_steps == 2'000'010);
  CHECK(found.counts.steps == 1'000'000);
  CHECK(found.counts.disturbed_steps == 250'000);
  const auto count = [&](StepFlag flag) {
    return found.counts.steps_by_flag[static_cast<size_t>(flag)];
  };
  CHECK(count(StepFlag::kWarmup) == 10);
  CHECK(count(StepFlag::kPartBatch) == 1'000'000);
  CHECK(count(StepFlag::kLoad) == 1'250'000);
  CHECK(found.all->p5 == 20.0);
  CHECK(found.all->p99 == 20.0);
  // A quarter of those kept was disturbed, whatever the rhythm.
  const auto disturbed =
      std::ranges::count_if(history.flags, &StepFlags::Disturbed);
  CHECK(std::abs(static_cast<double>(disturbed) /
                     static_cast<double>(history.flags.size()) -
                 0.25) < 0.01);
}

TEST_CASE("a history that was written and read goes on as if it had not been",
          "[step_history][checkpoint]") {
  const auto times = MadeUpTimes(400'000);
  const StepHistory whole = HistoryOf(times);
  StepHistory first = HistoryOf(std::span(times).first(300'123));
  StepHistory rest;
  REQUIRE(FromJson(ToJson(first), rest));
  rest.times_ns = first.times_ns;
  rest.flags = first.flags;
  for (const float time_ns : std::span(times).subspan(300'123)) {
    rest.Add(time_ns, {});
  }
  CHECK(rest.times_ns == whole.times_ns);
  CHECK(rest.level == whole.level);
  CHECK(rest.counts == whole.counts);
}

TEST_CASE("a history that cannot have come about is told from one that can",
          "[step_history][checkpoint]") {
  CHECK(StepHistory().IsConsistent());
  const StepHistory good = HistoryOf(MadeUpTimes(300'000));
  REQUIRE(good.IsConsistent());
  const auto spoil = [&](auto change) {
    StepHistory bad = good;
    change(bad);
    return !bad.IsConsistent();
  };
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  CHECK(spoil([](StepHistory& h) { h.times_ns.pop_back(); }));
  CHECK(spoil([](StepHistory& h) { h.flags.pop_back(); }));
  CHECK(spoil([](StepHistory& h) { h.times_ns[5] = kNaN; }));
  CHECK(spoil([](StepHistory& h) { h.times_ns[5] = -1.0f; }));
  CHECK(spoil([](StepHistory& h) { h.flags[5].Add(StepFlag::kWarmup); }));
  CHECK(spoil([](StepHistory& h) { --h.level; }));
  CHECK(spoil([](StepHistory& h) { ++h.level; }));
  CHECK(spoil([](StepHistory& h) { h.level = -1; }));
  CHECK(spoil([](StepHistory& h) { h.level = 1'000; }));
  CHECK(spoil([](StepHistory& h) { h.counts.steps = -1; }));
  CHECK(spoil([](StepHistory& h) { h.counts.steps += 1'000; }));
  CHECK(spoil([](StepHistory& h) { h.counts.all_steps = 10; }));
  CHECK(spoil([](StepHistory& h) { h.counts.disturbed_steps = 300'001; }));
  CHECK(spoil([](StepHistory& h) { h.counts.steps_by_flag[0] = -7; }));
}

}  // namespace
}  // namespace batchsweep
