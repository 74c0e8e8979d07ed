#include "measure/reading_buffer.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include "measure/readings.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinRel;

constexpr int64_t kPeriodNs = 100'000'000;

Reading At(int64_t number) {
  return {.time_ns = number * kPeriodNs,
          .sensors = {.cpu_temp_celsius = 50.0,
                      .cpu_freq_hz = 1.8e9,
                      .throttled = false,
                      .power_watts = 5.0,
                      .over_current_events = number},
          .memory = {.rss_bytes = 1000 + number},
          .usage = {.cpu_time_ns = number * 1000},
          .machine_busy_ns = number * 2000};
}

TEST_CASE("readings are handed out as they came while there is room",
          "[readings][sampler]") {
  ReadingBuffer buffer;
  for (int64_t i = 0; i < static_cast<int64_t>(kMostReadings); ++i) {
    buffer.Add(At(i));
  }
  const std::vector<Reading> all = buffer.Take();
  REQUIRE(all.size() == kMostReadings);
  for (size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].time_ns == static_cast<int64_t>(i) * kPeriodNs);
  }
  CHECK(buffer.Take().empty());
}

TEST_CASE("readings of a long epoch stay bounded and cover all of it",
          "[readings][sampler]") {
  ReadingBuffer buffer;
  constexpr int64_t kCount = 100'003;
  for (int64_t i = 0; i < kCount; ++i) buffer.Add(At(i));
  const std::vector<Reading> all = buffer.Take();
  CHECK(all.size() <= kMostReadings);
  CHECK(all.size() > kMostReadings / 2);
  CHECK(all.front().time_ns == 0);
  CHECK(all.back().time_ns == (kCount - 1) * kPeriodNs);
  CHECK(all.back().usage.cpu_time_ns == (kCount - 1) * 1000);
  CHECK(all.back().sensors.over_current_events == kCount - 1);
  // Each but the first and the last covers as much as the others.
  for (size_t i = 1; i + 1 < all.size(); ++i) {
    REQUIRE(all[i].time_ns - all[i - 1].time_ns == 64 * kPeriodNs);
    REQUIRE(all[i].memory.rss_bytes == 1000 + all[i].time_ns / kPeriodNs);
  }
  // The next epoch's are as they come again.
  for (int64_t i = kCount; i < kCount + 9; ++i) buffer.Add(At(i));
  CHECK(buffer.Take().size() == 9);
}

TEST_CASE("readings that become one keep the worst and the mean power",
          "[readings][sampler]") {
  ReadingBuffer buffer;
  const auto count = static_cast<int64_t>(2 * kMostReadings);
  for (int64_t i = 0; i < count; ++i) {
    Reading reading = At(i);
    // Three odd ones far apart, either half of a pair.
    if (i == 1001) reading.sensors.cpu_temp_celsius = 85.0;
    if (i == 2002) reading.sensors.cpu_freq_hz = 0.6e9;
    if (i == 3003) reading.sensors.throttled = true;
    // Energy: 4 W, then 8 W.
    reading.sensors.power_watts = i < count / 2 ? 4.0 : 8.0;
    buffer.Add(reading);
  }
  const std::vector<Reading> all = buffer.Take();
  REQUIRE(all.size() <= kMostReadings);
  int hot = 0, slow = 0, throttled = 0;
  double joules = 0.0;
  for (size_t i = 1; i < all.size(); ++i) {
    const SensorReading& sensors = all[i].sensors;
    hot += sensors.cpu_temp_celsius == 85.0;
    slow += sensors.cpu_freq_hz == 0.6e9;
    throttled += sensors.throttled.value();
    joules += sensors.power_watts.value() *
              static_cast<double>(all[i].time_ns - all[i - 1].time_ns) * 1e-9;
  }
  CHECK(hot == 1);
  CHECK(slow == 1);
  CHECK(throttled == 1);
  // 0.1 s each: the first covers nothing, the first half has one fewer of 4 W.
  const double half = static_cast<double>(count) / 2;
  CHECK_THAT(joules, WithinRel(0.1 * (4.0 * (half - 1) + 8.0 * half), 1e-9));
}

TEST_CASE("a power that one reading lacks is not made up when two become one",
          "[readings][sampler]") {
  ReadingBuffer buffer;
  for (int64_t i = 0; i < static_cast<int64_t>(kMostReadings) + 1; ++i) {
    Reading reading = At(i);
    if (i == 100) reading.sensors.power_watts.reset();
    if (i == 200) reading.sensors.throttled.reset();
    buffer.Add(reading);
  }
  const std::vector<Reading> all = buffer.Take();
  const auto without_power = std::ranges::count_if(
      all, [](const Reading& r) { return !r.sensors.power_watts; });
  CHECK(without_power == 1);
  CHECK(std::ranges::all_of(
      all, [](const Reading& r) { return r.sensors.throttled.has_value(); }));
}

TEST_CASE("steps of a long epoch are told what their readings saw",
          "[readings][sampler]") {
  ReadingBuffer buffer;
  const auto count = static_cast<int64_t>(3 * kMostReadings);
  for (int64_t i = 0; i < count; ++i) {
    Reading reading = At(i);
    reading.machine_busy_ns = reading.usage.cpu_time_ns;
    if (i == 5000) reading.sensors.throttled = true;
    buffer.Add(reading);
  }
  Readings readings({});
  readings.Add(buffer.Take());
  const auto flags_at = [&](int64_t number) {
    return readings.During(number * kPeriodNs - kPeriodNs / 2, 1000).flags;
  };
  CHECK(flags_at(5000).Has(StepFlag::kThrottled));
  CHECK_FALSE(flags_at(4990).Has(StepFlag::kThrottled));
  CHECK_FALSE(flags_at(5010).Has(StepFlag::kThrottled));
  CHECK(flags_at(1).bits == 0);
  CHECK_THAT(readings.EnergyJoules(0, (count - 1) * kPeriodNs).value(),
             WithinRel(0.5 * static_cast<double>(count - 1), 1e-9));
}

}  // namespace
}  // namespace batchsweep
