#include "platform/sensors.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <format>
#include <string_view>
#include <system_error>
#include <utility>

#include "platform/linux/board_sensors.h"
#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

// Zone indexes change from boot to boot, types do not: Raspberry Pi and
// Jetson (JetPack 6), Jetson (JetPack 4 and 5), Intel.
constexpr std::array<std::string_view, 3> kCpuZoneTypes = {
    "cpu-thermal", "CPU-therm", "x86_pkg_temp"};

// Bits 0..3 of the Raspberry Pi's throttle word are "now": under-voltage,
// frequency capped, throttled, soft temperature limit.
constexpr int64_t kThrottledNowBits = 0xf;

std::optional<int64_t> ReadHex(const std::filesystem::path& file) {
  const auto text = sysfs::ReadText(file);
  if (!text) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), value, 16);
  if (error != std::errc() || end == text->data()) return std::nullopt;
  return value;
}

}  // namespace

Sensors::Sensors(std::filesystem::path root) : root_(std::move(root)) {
  const auto zones = sysfs::List(root_ / "sys/class/thermal", "thermal_zone");
  for (const std::string_view wanted : kCpuZoneTypes) {
    for (const auto& zone : zones) {
      if (temperature_file_ || sysfs::ReadText(zone / "type") != wanted) {
        continue;
      }
      temperature_file_ = zone / "temp";
      temperature_type_ = wanted;
    }
  }
  const auto frequency =
      root_ / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq";
  if (sysfs::ReadInteger(frequency)) frequency_file_ = frequency;
  // The Pi 5 spells the folder soc@107c000000, older models soc.
  for (const auto& soc : sysfs::List(root_ / "sys/devices/platform", "soc")) {
    for (const auto& node : sysfs::List(soc, "soc")) {
      if (ReadHex(node / "get_throttled")) {
        throttle_word_file_ = node / "get_throttled";
      }
    }
  }
  for (const auto& device :
       sysfs::List(root_ / "sys/class/thermal", "cooling_device")) {
    const auto type = sysfs::ReadText(device / "type");
    if (type && type->ends_with("-throttle-alert")) {
      throttle_alert_files_.push_back(device / "cur_state");
    }
  }
}

SensorReading Sensors::Read() const {
  SensorReading reading;
  if (temperature_file_) {
    if (const auto milli_celsius = sysfs::ReadInteger(*temperature_file_)) {
      reading.cpu_temp_celsius = static_cast<double>(*milli_celsius) / 1000.0;
    }
  }
  if (frequency_file_) {
    if (const auto khz = sysfs::ReadInteger(*frequency_file_)) {
      reading.cpu_freq_hz = static_cast<double>(*khz) * 1000.0;
    }
  }
  if (throttle_word_file_) {
    if (const auto word = ReadHex(*throttle_word_file_)) {
      reading.throttled = (*word & kThrottledNowBits) != 0;
    }
  }
  for (const auto& file : throttle_alert_files_) {
    if (const auto state = sysfs::ReadInteger(file)) {
      reading.throttled = reading.throttled.value_or(false) || *state > 0;
    }
  }
  return reading;
}

std::vector<SensorStatus> Sensors::Describe() const {
  const SensorReading now = Read();
  std::string throttling =
      "neither a Raspberry Pi's get_throttled nor a Jetson's alerts";
  if (throttle_word_file_) {
    throttling = sysfs::Shown(root_, *throttle_word_file_);
  } else if (!throttle_alert_files_.empty()) {
    throttling = std::format("{} throttle alerts in /sys/class/thermal",
                             throttle_alert_files_.size());
  } else if (std::error_code ignored;
             std::filesystem::exists(root_ / "dev/vcio", ignored)) {
    throttling = "this kernel has no get_throttled file, only the mailbox";
  }
  std::vector<SensorStatus> all = {
      {"temperature", now.cpu_temp_celsius.has_value(),
       temperature_file_
           ? std::format("{} ({})", sysfs::Shown(root_, *temperature_file_),
                         temperature_type_)
           : "no CPU zone in /sys/class/thermal; virtual machines have none"},
      {"frequency", now.cpu_freq_hz.has_value(),
       frequency_file_
           ? sysfs::Shown(root_, *frequency_file_)
           : "no cpufreq driver is loaded; virtual machines have none"},
      {"throttling", now.throttled.has_value(), throttling},
  };
  for (SensorStatus& status : DescribeBoardSensors(root_)) {
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace batchsweep
