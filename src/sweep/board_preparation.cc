#include "sweep/board_preparation.h"

#include <chrono>
#include <format>
#include <string>
#include <thread>

#include "platform/clock.h"
#include "platform/cores.h"

namespace batchsweep {
namespace {

// A board in the sun never cools down.
constexpr int64_t kCoolLimitNs = 20LL * 60 * 1'000'000'000;
constexpr std::chrono::milliseconds kCoolPause(500);

Warning NotCooled(std::optional<double> now_celsius, double wanted_celsius) {
  const std::string who = now_celsius
                              ? std::format("the CPU, at {:.1f},", *now_celsius)
                              : "the CPU";
  return {"not_cooled",
          std::format("{} is still above the {:g} degrees of --cool-to after "
                      "{} minutes",
                      who, wanted_celsius, kCoolLimitNs / 60'000'000'000)};
}

}  // namespace

std::vector<Warning> TakeCores(const SweepConfig& config) {
  std::vector<Warning> warnings;
  if (!config.pin.empty()) {
    if (const Status pinned = StayOnCores(config.pin); !pinned) {
      warnings.push_back({"not_pinned", pinned.error().message});
    }
  }
  if (config.realtime) {
    if (const Status urgent = UseRealtimePriority(); !urgent) {
      warnings.push_back({"not_realtime", urgent.error().message});
    } else if (RealtimeShare().value_or(1.0) < 1.0) {
      warnings.push_back(
          {"realtime_share",
           "realtime threads are paused for a part of each second; sysctl "
           "kernel.sched_rt_runtime_us=-1 lets them go on"});
    }
  }
  return warnings;
}

Cooling WaitUntilCool(Sensors& sensors, double celsius,
                      const std::function<bool()>& interrupted,
                      const std::function<void(double now_celsius)>& on_wait) {
  Cooling cooling;
  const int64_t start_ns = MonotonicNs();
  while (!interrupted()) {
    const int64_t now_ns = MonotonicNs();
    cooling.waited_ns = now_ns - start_ns;
    const auto now_celsius = sensors.Read(now_ns).cpu_temp_celsius;
    if (now_celsius && *now_celsius <= celsius) return cooling;
    if (cooling.waited_ns >= kCoolLimitNs) {
      cooling.warning = NotCooled(now_celsius, celsius);
      return cooling;
    }
    if (now_celsius) on_wait(*now_celsius);
    std::this_thread::sleep_for(kCoolPause);
  }
  cooling.interrupted = true;
  return cooling;
}

}  // namespace batchsweep
