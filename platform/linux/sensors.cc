#include "platform/sensors.h"

#include <algorithm>
#include <array>
#include <format>
#include <string_view>
#include <utility>

#include "platform/linux/board_sensors.h"
#include "platform/linux/mailbox.h"
#include "platform/linux/power.h"
#include "platform/linux/sysfs.h"
#include "platform/linux/throttling.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;

// Zone indexes change from boot to boot, types do not: Raspberry Pi and
// Jetson (JetPack 6), Jetson (JetPack 4 and 5), Intel.
constexpr std::array<std::string_view, 3> kCpuZoneTypes = {
    "cpu-thermal", "CPU-therm", "x86_pkg_temp"};
// PCs without such a zone: the drivers for Intel's and AMD's CPUs.
constexpr std::array<std::string_view, 2> kCpuHwmonNames = {"coretemp",
                                                            "k10temp"};

struct TemperatureFile {
  Path file;
  std::string name;
};

std::optional<TemperatureFile> FindTemperature(const Path& root) {
  for (const std::string_view wanted : kCpuZoneTypes) {
    for (const Path& zone :
         sysfs::List(root / "sys/class/thermal", "thermal_zone")) {
      if (sysfs::ReadText(zone / "type") == wanted) {
        return TemperatureFile{zone / "temp", std::string(wanted)};
      }
    }
  }
  for (const std::string_view wanted : kCpuHwmonNames) {
    for (const Path& device : sysfs::List(root / "sys/class/hwmon", "hwmon")) {
      if (sysfs::ReadText(device / "name") == wanted) {
        return TemperatureFile{device / "temp1_input", std::string(wanted)};
      }
    }
  }
  return std::nullopt;
}

std::optional<double> ReadThousandth(const Path& file) {
  const auto value = sysfs::ReadInteger(file);
  return value ? std::optional(static_cast<double>(*value) * 1e-3)
               : std::nullopt;
}

// The highest of these files, which are in kilohertz.
std::optional<double> HighestHz(const std::vector<Path>& files) {
  std::optional<int64_t> highest;
  for (const Path& file : files) {
    const auto khz = sysfs::ReadInteger(file);
    if (khz && *khz > highest.value_or(0)) highest = khz;
  }
  return highest ? std::optional(static_cast<double>(*highest) * 1e3)
                 : std::nullopt;
}

// cpuinfo_cur_freq is not for us: on a Xavier it keeps the core busy for 0.5
// ms.
std::vector<Path> PolicyFiles(const Path& root, const char* name) {
  std::vector<Path> files;
  for (const Path& policy :
       sysfs::List(root / "sys/devices/system/cpu/cpufreq", "policy")) {
    if (sysfs::ReadInteger(policy / name)) files.push_back(policy / name);
  }
  return files;
}

}  // namespace

struct Sensors::Readers {
  explicit Readers(const Path& at)
      : root(at),
        temperature(FindTemperature(at)),
        averages(PolicyFiles(at, "cpuinfo_avg_freq")),
        requests(PolicyFiles(at, "scaling_cur_freq")),
        max_freq_hz(HighestHz(PolicyFiles(at, "scaling_max_freq"))),
        mailbox(Mailbox::Open(at)),
        throttling(at, mailbox),
        over_current(at),
        jetson_rails(TotalRails(FindJetsonRails(at))),
        packages(at),
        mailbox_has_clock(mailbox.CpuFrequencyHz().has_value()),
        mailbox_has_rails(mailbox.RailsWatts().has_value()) {}

  std::optional<double> FrequencyHz() const {
    if (mailbox_has_clock) {
      if (const auto hz = mailbox.CpuFrequencyHz()) return hz;
    }
    return HighestHz(averages.empty() ? requests : averages);
  }

  std::optional<double> JetsonWatts() const {
    double watts = 0.0;
    for (const PowerRail& rail : jetson_rails) {
      const auto part = rail.Read();
      if (!part) return std::nullopt;
      watts += *part;
    }
    return watts;
  }

  std::optional<double> Watts(int64_t now_ns) {
    if (mailbox_has_rails) return mailbox.RailsWatts();
    if (!jetson_rails.empty()) return JetsonWatts();
    return packages.Read(now_ns);
  }

  const Path root;
  const std::optional<TemperatureFile> temperature;
  const std::vector<Path> averages;  // measured, by newer kernels
  const std::vector<Path> requests;
  const std::optional<double> max_freq_hz;
  const Mailbox mailbox;
  Throttling throttling;
  const OverCurrentEvents over_current;
  const std::vector<PowerRail> jetson_rails;
  RaplPackages packages;
  const bool mailbox_has_clock;
  const bool mailbox_has_rails;
};

Sensors::Sensors(Path root) : readers_(std::make_unique<Readers>(root)) {}
Sensors::~Sensors() = default;
Sensors::Sensors(Sensors&&) noexcept = default;

SensorReading Sensors::Read(int64_t now_ns) {
  return {.cpu_temp_celsius = readers_->temperature
                                  ? ReadThousandth(readers_->temperature->file)
                                  : std::nullopt,
          .cpu_freq_hz = readers_->FrequencyHz(),
          .throttled = readers_->throttling.Read(),
          .power_watts = readers_->Watts(now_ns),
          .over_current_events = readers_->over_current.Read()};
}

SensorSources Sensors::Sources() const {
  const Readers& from = *readers_;
  SensorSources sources = {.max_freq_hz = from.max_freq_hz};
  sources.frequency_is_measured =
      from.mailbox_has_clock || !from.averages.empty();
  if (from.mailbox_has_clock) {
    sources.frequency = "measured by the firmware";
  } else if (!from.averages.empty()) {
    sources.frequency = "measured by the CPU (cpuinfo_avg_freq)";
  } else if (!from.requests.empty()) {
    sources.frequency = "asked for by the kernel (scaling_cur_freq)";
  }
  if (from.mailbox_has_rails) {
    sources.energy_grade = EnergyGrade::kBoardRails;
    sources.power = "sum of the power chip's rails, less than the board draws";
  } else if (!from.jetson_rails.empty()) {
    sources.energy_grade = EnergyGrade::kBoardRails;
    for (const PowerRail& rail : from.jetson_rails) {
      sources.power += (sources.power.empty() ? "" : " + ") + rail.name;
    }
    sources.power += " of an INA3221";
  } else if (!from.packages.names().empty() &&
             std::ranges::all_of(from.packages.files(), [](const Path& file) {
               return sysfs::ReadInteger(file).has_value();
             })) {
    sources.energy_grade = EnergyGrade::kPackageCounter;
    for (const std::string& name : from.packages.names()) {
      sources.power += (sources.power.empty() ? "" : " + ") + name;
    }
    sources.power += " by RAPL, not the whole PC";
  }
  return sources;
}

std::vector<SensorStatus> Sensors::Describe() {
  const Readers& from = *readers_;
  const SensorReading now = Read(0);
  const SensorSources sources = Sources();
  std::string throttling = from.throttling.source();
  if (throttling.empty()) {
    throttling = "neither a Raspberry Pi's throttle word nor a Jetson's alerts";
    if (std::error_code ignored;
        std::filesystem::exists(from.root / "dev/vcio", ignored)) {
      throttling = "this kernel has no get_throttled file, only the mailbox";
    }
  }
  std::vector<SensorStatus> all = {
      {"temperature", now.cpu_temp_celsius.has_value(),
       from.temperature
           ? std::format("{} ({})",
                         sysfs::Shown(from.root, from.temperature->file),
                         from.temperature->name)
           : "no CPU zone in /sys/class/thermal; virtual machines have none"},
      {"frequency", now.cpu_freq_hz.has_value(),
       now.cpu_freq_hz
           ? sources.frequency
           : "no cpufreq driver is loaded; virtual machines have none"},
      {"throttling", now.throttled.has_value(), throttling},
  };
  for (SensorStatus& status : DescribeBoardSensors(from.root)) {
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace batchsweep
