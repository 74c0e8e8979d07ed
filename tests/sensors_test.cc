#include "platform/sensors.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "platform/clock.h"
#include "platform/cpu.h"
#include "platform/linux/sysfs.h"
#include "platform/memory.h"
#include "platform/system.h"
#include "tests/board_trees.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

TEST_CASE("a machine without sensors gives no reading at all", "[sensors]") {
  const Tree tree;
  const SensorReading reading = Sensors(tree.root()).Read();
  CHECK_FALSE(reading.cpu_temp_celsius);
  CHECK_FALSE(reading.cpu_freq_hz);
  CHECK_FALSE(reading.throttled);
  CHECK_FALSE(reading.power_watts);
  CHECK(std::ranges::none_of(Sensors(tree.root()).Describe(),
                             &SensorStatus::readable));
}

TEST_CASE("a Raspberry Pi's zone, clock and throttle word are read",
          "[sensors]") {
  Tree tree;
  const std::string word =
      "sys/devices/platform/soc/soc:firmware/get_throttled";
  tree.Add("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
      .Add("sys/class/thermal/thermal_zone0/temp", "48312\n")
      .Add("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1500000\n")
      .Add(word, "50000\n");
  const Sensors sensors(tree.root());
  CHECK(sensors.Read().cpu_temp_celsius == 48.312);
  CHECK(sensors.Read().cpu_freq_hz == 1.5e9);
  // 0x50000 says that it was throttled, not that it is.
  CHECK(sensors.Read().throttled == false);
  tree.Add(word, "50005\n");
  CHECK(sensors.Read().throttled == true);
}

TEST_CASE("a Jetson's CPU zone is found by its type and alerts count",
          "[sensors]") {
  Tree tree;
  tree.Add("sys/class/thermal/thermal_zone0/type", "gpu-thermal\n")
      .Add("sys/class/thermal/thermal_zone0/temp", "99000\n")
      .Add("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n")
      .Add("sys/class/thermal/thermal_zone1/temp", "51000\n")
      .Add("sys/class/thermal/cooling_device0/type", "pwm-fan\n")
      .Add("sys/class/thermal/cooling_device0/cur_state", "3\n")
      .Add("sys/class/thermal/cooling_device1/type", "cpu-throttle-alert\n")
      .Add("sys/class/thermal/cooling_device1/cur_state", "0\n");
  const Sensors sensors(tree.root());
  CHECK(sensors.Read().cpu_temp_celsius == 51.0);
  CHECK(sensors.Read().throttled == false);
  tree.Add("sys/class/thermal/cooling_device1/cur_state", "1\n");
  CHECK(sensors.Read().throttled == true);
}

TEST_CASE("a file that vanishes or holds garbage is an absent reading",
          "[sensors]") {
  Tree tree;
  tree.Add("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
      .Add("sys/class/thermal/thermal_zone0/temp", "48312\n")
      .Add("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1500000\n");
  const Sensors sensors(tree.root());
  tree.Add("sys/class/thermal/thermal_zone0/temp", "hot\n");
  std::filesystem::remove_all(tree.root() / "sys/devices");
  CHECK_FALSE(sensors.Read().cpu_temp_celsius);
  CHECK_FALSE(sensors.Read().cpu_freq_hz);
}

TEST_CASE("keyed numbers are found by their whole key", "[sensors]") {
  const TempDir folder;
  const auto file =
      folder.Write("status", "VmRSSish:\t1 kB\nVmRSS:\t  204 kB\nVmHWM:\tx\n");
  CHECK(sysfs::ReadKeyedInteger(file, "VmRSS") == 204);
  CHECK_FALSE(sysfs::ReadKeyedInteger(file, "VmHWM"));
  CHECK_FALSE(sysfs::ReadKeyedInteger(file, "VmSwap"));
  CHECK_FALSE(sysfs::ReadKeyedInteger(folder.path() / "none", "VmRSS"));
}

TEST_CASE("the process knows its own memory", "[platform]") {
  const ProcessMemory before = ReadProcessMemory();
  REQUIRE(before.rss_bytes);
  REQUIRE(before.peak_rss_bytes);
  constexpr int64_t kBlock = 64 << 20;
  {
    const AlignedBlock block = AllocateAligned(kBlock).value();
  }
  CHECK(*ReadProcessMemory().peak_rss_bytes >= *before.rss_bytes + kBlock / 2);
#ifndef BATCHSWEEP_SANITIZED  // which keeps freed memory for a while
  if (ResetPeakRss()) {
    CHECK(*ReadProcessMemory().peak_rss_bytes < *before.rss_bytes + kBlock / 2);
  }
#endif
  CHECK(AvailableMemoryBytes().value_or(1) > 0);
}

TEST_CASE("too large an allocation is an error, not an end", "[platform]") {
  const auto block = AllocateAligned(int64_t{1} << 60);
  REQUIRE_FALSE(block);
  CHECK(block.error().message.contains("cannot allocate"));
}

TEST_CASE("the clock goes forward and knows its tick", "[platform]") {
  const int64_t start_ns = MonotonicNs();
  const ClockProperties clock = MeasureClock();
  CHECK(MonotonicNs() > start_ns);
  CHECK(clock.tick_ns >= 1);
  CHECK(clock.cost_ns > 0);
  CHECK(UtcNow().size() == std::string("2026-01-31T12:00:00Z").size());
}

TEST_CASE("there is at least one core to use", "[platform]") {
  CHECK(UsableCores() >= 1);
  const Cpu cpu = DetectCpu().value();
  CHECK(cpu.usable_cores >= 1);
  CHECK(cpu.usable_cores <= cpu.cores);
}

}  // namespace
}  // namespace batchsweep
