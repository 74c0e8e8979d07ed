#include "measure/readings.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include "measure/clean_rules.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinRel;

constexpr int64_t kMs = 1'000'000;

// Ten a second; `change` alters some of them.
template <class Change>
Readings EachTenth(int count, const SensorSources& sources,
                   const Change& change) {
  Readings readings(sources);
  for (int i = 0; i < count; ++i) {
    Reading reading = {.time_ns = i * 100 * kMs,
                       .sensors = {.cpu_temp_celsius = 50.0 + i,
                                   .cpu_freq_hz = 1.8e9,
                                   .throttled = false},
                       .memory = {.rss_bytes = 1000 + i, .swap_bytes = 0},
                       // One core computes, nobody else does.
                       .usage = {.cpu_time_ns = i * 100 * kMs},
                       .machine_busy_ns = i * 100 * kMs};
    change(i, reading);
    readings.Add(reading);
  }
  return readings;
}

constexpr auto kNothing = [](int, Reading&) {};

TEST_CASE("a step takes the reading that covers it", "[readings]") {
  const Readings readings = EachTenth(5, {}, kNothing);
  const StepReading step = readings.During(150 * kMs, kMs);
  CHECK(step.board.cpu_temp_celsius == 52.0);
  CHECK(step.board.cpu_freq_hz == 1.8e9);
  CHECK(step.board.throttled == false);
  CHECK(step.board.rss_bytes == 1002);
  CHECK(step.board.swap_bytes == 0);
  CHECK_FALSE(step.board.peak_rss_bytes);
  CHECK_FALSE(step.board.power_watts);
  CHECK_FALSE(step.board.energy_joules);
  CHECK(step.flags == StepFlags());
}

TEST_CASE("a step under no reading, or one that is not covered, has none",
          "[readings]") {
  const Readings readings = EachTenth(3, {}, kNothing);
  for (const int64_t start_ns : {-1 * kMs, 199 * kMs, 300 * kMs}) {
    const StepReading step = readings.During(start_ns, 2 * kMs);
    CHECK_FALSE(step.board.cpu_temp_celsius);
    CHECK_FALSE(step.board.rss_bytes);
  }
  const Readings none((SensorSources()));
  CHECK_FALSE(none.During(0, kMs).board.cpu_temp_celsius);
}

TEST_CASE("a long step takes the worst of the readings that cover it",
          "[readings]") {
  const Readings readings = EachTenth(6, {}, [](int i, Reading& reading) {
    if (i == 3) reading.sensors.throttled = true;
    if (i == 2) reading.sensors.cpu_freq_hz = 1.2e9;
    if (i == 2) reading.sensors.cpu_temp_celsius = 90;
  });
  const StepReading step = readings.During(110 * kMs, 250 * kMs);
  CHECK(step.board.throttled == true);
  CHECK(step.board.cpu_freq_hz == 1.2e9);
  CHECK(step.board.cpu_temp_celsius == 90);
  CHECK(step.board.rss_bytes == 1004);  // of the last
}

TEST_CASE("an absent reading stays an empty cell", "[readings]") {
  const Readings readings = EachTenth(3, {}, [](int, Reading& reading) {
    reading.sensors = {};
    reading.memory = {};
    reading.machine_busy_ns = std::nullopt;
  });
  const StepReading step = readings.During(150 * kMs, kMs);
  CHECK_FALSE(step.board.cpu_temp_celsius);
  CHECK_FALSE(step.board.cpu_freq_hz);
  CHECK_FALSE(step.board.throttled);
  CHECK_FALSE(step.board.rss_bytes);
  CHECK_FALSE(step.board.swap_bytes);
  CHECK(step.flags == StepFlags());
}

// Which of the tenths of a second are flagged.
std::vector<int> Flagged(const Readings& readings, int tenths, StepFlag flag) {
  std::vector<int> found;
  for (int i = 0; i < tenths; ++i) {
    const StepReading step = readings.During(i * 100 * kMs + 50 * kMs, kMs);
    if (step.flags.Has(flag)) found.push_back(i);
  }
  return found;
}

TEST_CASE("a throttle bit flags the steps before its reading", "[readings]") {
  const Readings readings = EachTenth(10, {}, [](int i, Reading& reading) {
    reading.sensors.throttled = i == 4 || i == 5;
  });
  CHECK(Flagged(readings, 9, StepFlag::kThrottled) == std::vector{3, 4});
}

TEST_CASE("a clock below 95 % of the highest flags its steps", "[readings]") {
  const auto drop = [](int i, Reading& reading) {
    reading.sensors.cpu_freq_hz = i == 6 ? 1.70e9 : i == 7 ? 1.712e9 : 1.8e9;
  };
  CHECK(Flagged(EachTenth(10, {.max_freq_hz = 1.8e9}, drop), 9,
                StepFlag::kSlowClock) == std::vector{5});
  // Without a bound there is nothing to say.
  CHECK(Flagged(EachTenth(10, {}, drop), 9, StepFlag::kSlowClock).empty());
}

TEST_CASE("swap that grows flags its steps, swap in use does not",
          "[readings]") {
  const Readings readings = EachTenth(10, {}, [](int i, Reading& reading) {
    reading.memory.swap_bytes = i < 3 ? 4096 : 8192;
  });
  CHECK(Flagged(readings, 9, StepFlag::kSwap) == std::vector{2});
}

TEST_CASE("major faults flag the steps in which they came", "[readings]") {
  const Readings readings = EachTenth(10, {}, [](int i, Reading& reading) {
    reading.usage.major_faults = i < 8 ? 100 : 101;
  });
  CHECK(Flagged(readings, 9, StepFlag::kMajorFault) == std::vector{7});
}

TEST_CASE("load of others counts, our own does not", "[readings]") {
  // From the 10th reading on others take 0.3 of a core.
  const auto loaded = [](int i, Reading& reading) {
    if (i > 10) *reading.machine_busy_ns += (i - 10) * 30 * kMs;
  };
  const auto flagged = Flagged(EachTenth(20, {}, loaded), 19, StepFlag::kLoad);
  // A window of half a second has more than a tenth of a core from its second
  // loaded part on.
  REQUIRE_FALSE(flagged.empty());
  CHECK(flagged.front() == 11);
  CHECK(flagged.back() == 18);
  CHECK(Flagged(EachTenth(20, {}, kNothing), 19, StepFlag::kLoad).empty());
  // More threads of our own are no load.
  CHECK(Flagged(EachTenth(20, {},
                          [](int i, Reading& reading) {
                            reading.usage.cpu_time_ns = i * 400 * kMs;
                            reading.machine_busy_ns = i * 400 * kMs;
                          }),
                19, StepFlag::kLoad)
            .empty());
}

TEST_CASE("a measured power is integrated by trapezoids", "[readings]") {
  // 0, 1, 2, ... watts: a ramp of 10 W/s.
  const Readings ramp = EachTenth(
      11, {.energy_grade = EnergyGrade::kBoardRails},
      [](int i, Reading& reading) { reading.sensors.power_watts = i; });
  CHECK_THAT(ramp.EnergyJoules(0, 1000 * kMs).value(), WithinRel(5.0, 1e-9));
  CHECK_THAT(ramp.EnergyJoules(100 * kMs, 300 * kMs).value(),
             WithinRel(0.4, 1e-9));
  const StepReading step = ramp.During(110 * kMs, 10 * kMs);
  CHECK_THAT(step.board.power_watts.value(), WithinRel(1.5, 1e-9));
  CHECK_THAT(step.board.energy_joules.value(), WithinRel(0.015, 1e-9));
  // Across a reading: 50 ms at 1.5 W and 50 ms at 2.5 W.
  const StepReading across = ramp.During(150 * kMs, 100 * kMs);
  CHECK_THAT(across.board.energy_joules.value(), WithinRel(0.2, 1e-9));
  CHECK_THAT(across.board.power_watts.value(), WithinRel(2.0, 1e-9));
}

TEST_CASE("a counter of energy gives means already", "[readings]") {
  const Readings counted =
      EachTenth(3, {.energy_grade = EnergyGrade::kPackageCounter},
                [](int i, Reading& reading) {
                  if (i > 0) reading.sensors.power_watts = 10 * i;
                });
  CHECK_THAT(counted.EnergyJoules(0, 200 * kMs).value(), WithinRel(3.0, 1e-9));
}

TEST_CASE("energy with a hole in it is absent, not less", "[readings]") {
  const Readings holed =
      EachTenth(6, {.energy_grade = EnergyGrade::kBoardRails},
                [](int i, Reading& reading) {
                  if (i != 3) reading.sensors.power_watts = 2.0;
                });
  CHECK(holed.EnergyJoules(0, 200 * kMs).has_value());
  CHECK_FALSE(holed.EnergyJoules(0, 300 * kMs));
  CHECK_FALSE(holed.EnergyJoules(400 * kMs, 600 * kMs));  // beyond the last
  CHECK_FALSE(holed.EnergyJoules(-kMs, 100 * kMs));
  CHECK_FALSE(holed.During(250 * kMs, kMs).board.energy_joules);
  CHECK_FALSE(holed.During(195 * kMs, 10 * kMs).board.power_watts);
  CHECK(holed.During(150 * kMs, kMs).board.power_watts.has_value());
}

TEST_CASE("what is forgotten takes nothing from later steps", "[readings]") {
  Readings readings = EachTenth(40, {}, kNothing);
  const StepReading before = readings.During(3850 * kMs, kMs);
  readings.Forget(3800 * kMs);
  const StepReading after = readings.During(3850 * kMs, kMs);
  CHECK(after.board.cpu_temp_celsius == before.board.cpu_temp_celsius);
  CHECK_FALSE(readings.During(1000 * kMs, kMs).board.cpu_temp_celsius);
}

std::vector<std::string> Names(const std::vector<Warning>& warnings) {
  std::vector<std::string> names;
  for (const Warning& warning : warnings) names.push_back(warning.name);
  return names;
}

TEST_CASE("each broken rule is a warning by its name", "[clean_rules]") {
  StepStatistics steps = {.counts = {.all_steps = 1000, .steps = 980},
                          .all = TimeStatistics(),
                          .clean = {}};
  auto& steps_by_flag = steps.counts.steps_by_flag;
  CHECK(CellWarnings("batch 8", steps).empty());
  steps.all->drift = 0.049;
  steps.all->mdape = 0.049;
  CHECK(CellWarnings("batch 8", steps).empty());
  steps.all->drift = -0.05;
  steps.all->mdape = 0.05;
  steps_by_flag[static_cast<size_t>(StepFlag::kWarmup)] = 20;
  steps_by_flag[static_cast<size_t>(StepFlag::kPartBatch)] = 3;
  CHECK(Names(CellWarnings("batch 8", steps)) ==
        std::vector<std::string>{"drift", "spread"});
  for (const StepFlag flag :
       {StepFlag::kThrottled, StepFlag::kSlowClock, StepFlag::kSwap,
        StepFlag::kMajorFault, StepFlag::kLoad}) {
    steps_by_flag[static_cast<size_t>(flag)] = 12;
  }
  const auto all = CellWarnings("batch 8", steps);
  CHECK(Names(all) == std::vector<std::string>{"throttled", "slow_clock",
                                               "swap", "major_fault", "load",
                                               "drift", "spread"});
  CHECK(all[0].message ==
        "batch 8: the board throttled during 12 of 1000 "
        "steps");
  CHECK(all[5].message ==
        "batch 8: steps of the last third took 5.0 % less "
        "than those of the first");
  steps.counts.steps = 29;
  CHECK(Names(CellWarnings("batch 8", steps)).back() == "few_steps");
}

TEST_CASE("statistics leave out warm-up and part batches, clean ones flags",
          "[clean_rules]") {
  const std::vector<float> times = {900, 10, 12, 50, 14, 700};
  std::vector<StepFlags> flags(times.size());
  flags[0].Add(StepFlag::kWarmup);
  flags[3].Add(StepFlag::kThrottled);
  flags[5].Add(StepFlag::kPartBatch);
  StepHistory history;
  for (size_t i = 0; i < times.size(); ++i) history.Add(times[i], flags[i]);
  const StepStatistics found = DescribeSteps(history);
  CHECK(found.counts.all_steps == 6);
  CHECK(found.counts.steps == 4);
  CHECK(found.counts.disturbed_steps == 1);
  CHECK(found.all->p99 == 50);
  CHECK(found.clean->median == 12);
  CHECK(found.clean->p99 == 14);
  CHECK(found.counts.steps_by_flag[static_cast<size_t>(StepFlag::kWarmup)] ==
        1);
  const StepStatistics none = DescribeSteps({});
  CHECK_FALSE(none.all);
  CHECK_FALSE(none.clean);
}

}  // namespace
}  // namespace batchsweep
