#include <format>
#include <nlohmann/json.hpp>
#include <print>

#include "cli/commands.h"
#include "cli/setup.h"
#include "platform/clock.h"
#include "platform/memory.h"
#include "platform/sensors.h"
#include "platform/system.h"
#include "record/build_info.h"
#include "record/summary_table.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

std::string Bytes(std::optional<int64_t> bytes) {
  return bytes ? FormatBytes(*bytes) : "unknown";
}

Facts Gather(const Cpu& cpu) {
  const SystemInfo system = DescribeSystem();
  const ClockProperties clock = MeasureClock();
  const BuildInfo build = GetBuildInfo();
  return {
      {"board", system.board.value_or("unknown")},
      {"cpu", cpu.model_name},
      {"cores", std::format("{} of {} usable", cpu.usable_cores, cpu.cores)},
      {"isa", IsaName(cpu.isa)},
      {"kernels", IsaName(KernelsFor(cpu.isa).isa)},
      {"ram", std::format("{}, {} available", Bytes(TotalMemoryBytes()),
                          Bytes(AvailableMemoryBytes()))},
      {"kernel", system.kernel},
      {"governor", system.governor.value_or("not readable: no cpufreq driver")},
      {"clock", std::format("{}, ticks of {} ns, {:.0f} ns a reading",
                            clock.name, clock.tick_ns, clock.cost_ns)},
      {"program", std::format("{} ({}), {}", build.version, build.git_revision,
                              build.architecture)},
      {"compiler", build.compiler + " " + build.flags},
      {"xnnpack", xnn::Version()},
  };
}

}  // namespace

Result<int> InfoCommand(bool json) {
  ASSIGN_OR_RETURN(const Engine engine, StartEngine({1}));
  const Facts facts = Gather(engine.cpu);
  const std::vector<SensorStatus> sensors = Sensors().Describe();
  if (json) {
    nlohmann::ordered_json object;
    for (const auto& [key, value] : facts) object[key] = value;
    for (const SensorStatus& sensor : sensors) {
      object["sensors"][sensor.name] = {{"readable", sensor.readable},
                                        {"detail", sensor.detail}};
    }
    std::println("{}", object.dump(2, ' ', false,
                                   nlohmann::json::error_handler_t::replace));
    return kExitValid;
  }
  for (const auto& [key, value] : facts) std::println("{:<12} {}", key, value);
  for (const SensorStatus& sensor : sensors) {
    std::println("{:<12} {}{}", sensor.name,
                 sensor.readable ? "" : "not readable: ", sensor.detail);
  }
  return kExitValid;
}

}  // namespace batchsweep
