#include "cli/machine_report.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <ranges>
#include <string_view>

#include "cli/text.h"
#include "kernels/kernels.h"
#include "platform/clock.h"
#include "platform/memory.h"
#include "platform/system.h"
#include "record/build_info.h"
#include "record/summary_table.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

constexpr size_t kKeyColumns = 13;

std::string Bytes(std::optional<int64_t> bytes) {
  return bytes ? FormatBytes(*bytes) : "unknown";
}

std::string Joined(const std::vector<std::string>& parts,
                   std::string_view between) {
  return parts | std::views::join_with(between) |
         std::ranges::to<std::string>();
}

// "6 cores in 2 clusters: 4 Cortex-A78AE + 2 Cortex-A78AE; 6 usable"
std::string Cores(const Cpu& cpu) {
  std::vector<std::string> kinds;
  for (const CoreCluster& cluster : cpu.clusters) {
    if (!cluster.core_name) continue;
    kinds.push_back(std::format("{} {}", cluster.cores, *cluster.core_name));
  }
  std::string text =
      std::format("{} core{}", cpu.cores, cpu.cores == 1 ? "" : "s");
  if (cpu.clusters.size() > 1) {
    text += std::format(" in {} clusters", cpu.clusters.size());
  }
  if (!kinds.empty()) text += ": " + Joined(kinds, " + ");
  return text + std::format("; {} usable", cpu.usable_cores);
}

// "0-3, 8"
std::string Ranges(const std::vector<int>& numbers) {
  std::vector<std::string> ranges;
  for (size_t i = 0; i < numbers.size();) {
    const size_t first = i;
    do {
      ++i;
    } while (i < numbers.size() && numbers[i] == numbers[i - 1] + 1);
    ranges.push_back(
        i - first == 1 ? std::format("{}", numbers[first])
                       : std::format("{}-{}", numbers[first], numbers[i - 1]));
  }
  return Joined(ranges, ", ");
}

// "ondemand, 1500 to 2400 MHz", with the cores where they differ.
std::string Governor(const SystemInfo& system) {
  if (system.clocking.empty()) {
    return system.governor.value_or("none: no cpufreq driver is loaded");
  }
  const auto mhz = [](std::optional<double> hz) {
    return hz ? std::format("{:.0f}", *hz / 1e6) : "unknown";
  };
  std::vector<std::string> kinds;
  for (const CoreClocking& one : system.clocking) {
    const std::string cores =
        system.clocking.size() == 1 ? "" : "cores " + Ranges(one.cores) + ": ";
    kinds.push_back(std::format("{}{}, {} to {} MHz", cores,
                                one.governor.value_or("unknown"),
                                mhz(one.min_freq_hz), mhz(one.max_freq_hz)));
  }
  return Joined(kinds, "; ");
}

std::string SwapText(const Swap& swap) {
  if (swap.total_bytes == 0) return "none";
  return std::format("{}, {} in use", Bytes(swap.total_bytes),
                     Bytes(swap.used_bytes));
}

std::string Line(std::string_view key, std::string_view value) {
  return std::format("{:<{}}{}\n", key, kKeyColumns,
                     Wrapped(value, kKeyColumns));
}

}  // namespace

MachineReport DescribeMachine(const Cpu& cpu,
                              const std::filesystem::path& root) {
  const SystemInfo system = DescribeSystem(root);
  const ClockProperties clock = MeasureClock();
  const BuildInfo build = GetBuildInfo();
  return {.facts =
              {{"board", system.board.value_or("unknown")},
               {"soc", system.soc.value_or("none")},
               {"cpu", cpu.model_name},
               {"cores", Cores(cpu)},
               {"isa", IsaName(cpu.isa)},
               {"features", cpu.features.empty() ? "none that is used"
                                                 : Joined(cpu.features, ", ")},
               {"kernels", IsaName(KernelsFor(cpu.isa).isa)},
               {"ram",
                std::format("{}, {} available", Bytes(TotalMemoryBytes(root)),
                            Bytes(AvailableMemoryBytes(root)))},
               {"swap", SwapText(ReadSwap(root))},
               {"page", Bytes(PageBytes())},
               {"kernel", system.kernel},
               {"governor", Governor(system)},
               {"power_mode", system.power_mode.value_or("none")},
               {"clock", std::format("{}, ticks of {} ns, {:.0f} ns a reading",
                                     clock.name, clock.tick_ns, clock.cost_ns)},
               {"program", std::format("{} ({}), {}", build.version,
                                       build.git_revision, build.architecture)},
               {"compiler", build.compiler + " " + build.flags},
               {"xnnpack", xnn::Version()},
               {"pthreadpool", xnn::PthreadpoolVersion()},
               {"cpuinfo", CpuinfoVersion()},
               {"c_library", system.c_library}},
          .sensors = Sensors(root).Describe()};
}

std::string ReportText(const MachineReport& report) {
  std::string text;
  for (const auto& [key, value] : report.facts) text += Line(key, value);
  text += '\n';
  for (const SensorStatus& sensor : report.sensors) {
    const char* prefix = sensor.readable ? ""
                         : sensor.remedy ? "not readable: "
                                         : "none: ";
    text += Line(sensor.name, prefix + sensor.detail);
    if (sensor.remedy) text += "  " + *sensor.remedy + "\n";
  }
  return text;
}

std::string ReportJson(const MachineReport& report) {
  using Json = nlohmann::ordered_json;
  Json object;
  for (const auto& [key, value] : report.facts) object[key] = value;
  for (const SensorStatus& sensor : report.sensors) {
    object["sensors"][sensor.name] = {
        {"readable", sensor.readable},
        {"detail", sensor.detail},
        {"remedy", sensor.remedy ? Json(*sensor.remedy) : Json(nullptr)}};
  }
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace batchsweep
