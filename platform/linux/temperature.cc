#include <array>
#include <format>
#include <string_view>

#include "platform/linux/sensor.h"
#include "platform/linux/sysfs.h"

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
  Path file;  // in thousandths of a degree
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

class CpuTemperature : public Sensor {
 public:
  explicit CpuTemperature(const Board& board)
      : board_(board), from_(FindTemperature(board.root)) {}

  void Read(int64_t, SensorReading& reading) override {
    reading.cpu_temp_celsius = Celsius();
  }

  std::optional<SensorStatus> Describe() override {
    return SensorStatus{
        "temperature", Celsius().has_value(),
        from_
            ? std::format("{} ({})", sysfs::Shown(board_.root, from_->file),
                          from_->name)
            : "no CPU zone in /sys/class/thermal; virtual machines have none"};
  }

 private:
  std::optional<double> Celsius() const {
    const auto value = from_ ? sysfs::ReadInteger(from_->file) : std::nullopt;
    return value ? std::optional(static_cast<double>(*value) * 1e-3)
                 : std::nullopt;
  }

  const Board& board_;
  const std::optional<TemperatureFile> from_;
};

}  // namespace

std::unique_ptr<Sensor> FindCpuTemperature(const Board& board) {
  return std::make_unique<CpuTemperature>(board);
}

}  // namespace batchsweep
