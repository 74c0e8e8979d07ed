#include "platform/linux/power.h"

#include <algorithm>
#include <array>
#include <format>
#include <span>

#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;

constexpr int kChannels = 3;
constexpr int64_t kStuckNs = 1'000'000'000;

// A driver's devices are the entries "bus-address" of its folder.
std::vector<Path> I2cDevices(const Path& root, std::string_view driver) {
  auto entries = sysfs::List(root / "sys/bus/i2c/drivers" / driver, "");
  std::erase_if(entries, [](const Path& entry) {
    const std::string name = entry.filename();
    return name[0] < '0' || name[0] > '9' || !name.contains('-');
  });
  return entries;
}

void AddConnected(PowerRail rail, std::vector<PowerRail>& rails) {
  std::error_code ignored;
  const Path& value = rail.power.empty() ? rail.current : rail.power;
  if (!std::filesystem::exists(value, ignored)) return;
  rail.name = sysfs::ReadText(rail.label).value_or("");
  if (rail.name != "NC") rails.push_back(std::move(rail));
}

// Modules without a channel at their input, and what they have instead: AGX
// Xavier and AGX Orin (whose carrier board is not in it).
constexpr auto kSums = std::to_array<std::array<std::string_view, 6>>({
    {"GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"},
    {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"},
});

const PowerRail* FindRail(const std::vector<PowerRail>& rails,
                          std::string_view name) {
  const auto found = std::ranges::find(rails, name, &PowerRail::name);
  return found == rails.end() ? nullptr : &*found;
}

}  // namespace

std::optional<double> PowerRail::Read() const {
  if (!power.empty()) {
    const auto milliwatts = sysfs::ReadInteger(power);
    return milliwatts ? std::optional(static_cast<double>(*milliwatts) * 1e-3)
                      : std::nullopt;
  }
  const auto millivolts = sysfs::ReadInteger(voltage);
  const auto milliamperes = sysfs::ReadInteger(current);
  if (!millivolts || !milliamperes) return std::nullopt;
  return static_cast<double>(*millivolts) * 1e-3 *
         static_cast<double>(*milliamperes) * 1e-3;
}

std::vector<PowerRail> FindJetsonRails(const Path& root) {
  std::vector<PowerRail> rails;
  for (const Path& device : I2cDevices(root, "ina3221")) {  // JetPack 5, 6
    for (const Path& folder : sysfs::List(device / "hwmon", "hwmon")) {
      // Channels from the fourth on are sums of shunt voltages.
      for (int i = 1; i <= kChannels; ++i) {
        AddConnected({.label = folder / std::format("in{}_label", i),
                      .voltage = folder / std::format("in{}_input", i),
                      .current = folder / std::format("curr{}_input", i)},
                     rails);
      }
    }
  }
  for (const Path& device : I2cDevices(root, "ina3221x")) {  // JetPack 4
    for (const Path& folder : sysfs::List(device, "iio:device")) {
      for (int i = 0; i < kChannels; ++i) {
        AddConnected({.label = folder / std::format("rail_name_{}", i),
                      .power = folder / std::format("in_power{}_input", i)},
                     rails);
      }
    }
  }
  return rails;
}

std::vector<PowerRail> TotalRails(const std::vector<PowerRail>& rails) {
  for (const std::string_view input : {"VDD_IN", "POM_5V_IN"}) {
    if (const PowerRail* rail = FindRail(rails, input)) return {*rail};
  }
  for (const auto& names : kSums) {
    std::vector<PowerRail> sum;
    bool complete = true;
    for (const std::string_view name : names) {
      if (name.empty()) continue;
      const PowerRail* rail = FindRail(rails, name);
      complete = complete && rail != nullptr;
      if (rail != nullptr) sum.push_back(*rail);
    }
    if (complete) return sum;
  }
  return {};
}

RaplPackages::RaplPackages(const Path& root) {
  for (const Path& zone :
       sysfs::List(root / "sys/class/powercap", "intel-rapl:")) {
    // intel-rapl:0:1 is a part of intel-rapl:0.
    if (std::ranges::count(zone.filename().string(), ':') != 1) continue;
    const auto name = sysfs::ReadText(zone / "name").value_or("package");
    // "psys" is the whole platform, packages included.
    if (!name.starts_with("package")) continue;
    packages_.push_back(
        {.name = name,
         .counter = zone / "energy_uj",
         .range_uj = sysfs::ReadInteger(zone / "max_energy_range_uj")});
  }
}

std::optional<double> RaplPackages::Read(int64_t now_ns) {
  bool complete = !packages_.empty() && last_ns_.has_value();
  bool moved = true;
  int64_t used_uj = 0;
  for (Package& package : packages_) {
    const auto counter_uj = sysfs::ReadInteger(package.counter);
    if (counter_uj && package.last_uj) {
      int64_t difference_uj = *counter_uj - *package.last_uj;
      if (difference_uj < 0) {
        difference_uj += package.range_uj.value_or(0);
        complete = complete && difference_uj >= 0;
      }
      moved = moved && difference_uj != 0;
      used_uj += difference_uj;
    } else {
      complete = false;
    }
    package.last_uj = counter_uj;
  }
  const int64_t before_ns = last_ns_.value_or(now_ns);
  last_ns_ = now_ns;
  if (moved || moved_ns_ == 0) moved_ns_ = now_ns;
  if (!complete || now_ns <= before_ns || now_ns - moved_ns_ >= kStuckNs) {
    return std::nullopt;
  }
  return static_cast<double>(used_uj) * 1e-6 /
         (static_cast<double>(now_ns - before_ns) * 1e-9);
}

std::vector<std::string> RaplPackages::names() const {
  std::vector<std::string> names;
  for (const Package& package : packages_) names.push_back(package.name);
  return names;
}

std::vector<Path> RaplPackages::files() const {
  std::vector<Path> files;
  for (const Package& package : packages_) files.push_back(package.counter);
  return files;
}

}  // namespace batchsweep
