#include <catch2/catch_test_macros.hpp>
#include <string>

#include "platform/clock.h"
#include "platform/cpu.h"
#include "platform/linux/sysfs.h"
#include "platform/memory.h"
#include "platform/system.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

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
