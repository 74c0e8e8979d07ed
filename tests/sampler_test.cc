#include "measure/sampler.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <thread>

#include "platform/clock.h"
#include "platform/cores.h"
#include "tests/board_trees.h"

namespace batchsweep {
namespace {

void Wait(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

TEST_CASE("the sampler reads at the start, in each period, and when asked",
          "[sampler]") {
  Tree tree;
  tree.Add("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
      .Add("sys/class/thermal/thermal_zone0/temp", "48312\n");
  Sensors sensors(tree.root());
  const Counters counters;
  Sampler sampler(sensors, 50.0);
  const int64_t start_ns = MonotonicNs();
  sampler.Start(counters);
  // Long enough for a machine with much else to do.
  std::vector<Reading> readings;
  while (readings.size() < 5) {
    Wait(100);
    const auto more = sampler.Take({});
    CHECK(more.size() >= 1);
    readings.insert(readings.end(), more.begin(), more.end());
  }
  const int64_t end_ns = MonotonicNs();
  CHECK(std::ranges::is_sorted(readings, {}, &Reading::time_ns));
  CHECK(readings.front().time_ns >= start_ns);
  CHECK(readings.back().time_ns <= end_ns);
  for (const Reading& reading : readings) {
    CHECK(reading.sensors.cpu_temp_celsius == 48.312);
    CHECK(reading.memory.rss_bytes.value_or(0) > 0);
    CHECK(reading.usage.cpu_time_ns > 0);
  }
  // What changes is seen by the next reading.
  tree.Add("sys/class/thermal/thermal_zone0/temp", "80000\n");
  CHECK(sampler.Take({}).back().sensors.cpu_temp_celsius == 80.0);
}

TEST_CASE("a sampler at 0 Hz reads nothing", "[sampler]") {
  const Tree tree;
  Sensors sensors(tree.root());
  const Counters counters;
  Sampler sampler(sensors, 0.0);
  sampler.Start(counters);
  Wait(20);
  CHECK(sampler.Take({}).empty());
}

TEST_CASE("readings do not begin before the sampler is started", "[sampler]") {
  const Tree tree;
  Sensors sensors(tree.root());
  const Counters counters;
  Sampler sampler(sensors, 1000.0);
  Wait(30);
  const int64_t start_ns = MonotonicNs();
  sampler.Start(counters);
  CHECK(sampler.Take({}).front().time_ns >= start_ns);
}

TEST_CASE("the caller keeps its cores whatever the sampler avoids",
          "[sampler]") {
  const Tree tree;
  Sensors sensors(tree.root());
  const Counters counters;
  const std::vector<int> allowed = AllowedCores();
  Sampler sampler(sensors, 200.0);
  sampler.Start(counters);
  sampler.Take({allowed.front()});
  Wait(50);
  sampler.Take(allowed);  // none left: it may run anywhere
  Wait(50);
  CHECK(sampler.Take({}).size() >= 2);
  CHECK(AllowedCores() == allowed);
}

}  // namespace
}  // namespace batchsweep
