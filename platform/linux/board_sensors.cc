#include "platform/linux/board_sensors.h"

#include <utility>

namespace batchsweep {
namespace {

// What there is to find, in the order in which `info` tells of it.
constexpr SensorFinder kFinders[] = {
    FindCpuTemperature, FindCpuFrequency, FindThrottling,    FindMailboxAccess,
    FindPower,          FindOverCurrent,  FindCounterAccess,
};

}  // namespace

Board OpenBoard(const std::filesystem::path& root) {
  return {.root = root,
          .mailbox = Mailbox::Open(root),
          .system = DescribeSystem(root)};
}

bool IsRaspberryPi(const SystemInfo& system) {
  return system.soc && system.soc->starts_with("bcm2");
}

bool IsJetson(const SystemInfo& system) {
  return system.soc && system.soc->starts_with("tegra");
}

BoardSensors::BoardSensors(Board board) : board_(std::move(board)) {
  for (const SensorFinder find : kFinders) sensors_.push_back(find(board_));
}

SensorReading BoardSensors::Read(int64_t now_ns) {
  SensorReading reading;
  for (const auto& sensor : sensors_) sensor->Read(now_ns, reading);
  return reading;
}

SensorSources BoardSensors::Sources() const {
  SensorSources sources;
  for (const auto& sensor : sensors_) sensor->AddSource(sources);
  return sources;
}

std::vector<SensorStatus> BoardSensors::Describe() {
  std::vector<SensorStatus> all;
  for (const auto& sensor : sensors_) {
    if (auto status = sensor->Describe()) all.push_back(*std::move(status));
  }
  return all;
}

}  // namespace batchsweep
