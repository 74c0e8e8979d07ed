#include "platform/sensors.h"

#include "platform/linux/board_sensors.h"

namespace batchsweep {

struct Sensors::Readers {
  BoardSensors board;
};

Sensors::Sensors(const std::filesystem::path& root)
    : readers_(new Readers{BoardSensors(OpenBoard(root))}) {}
Sensors::~Sensors() = default;
Sensors::Sensors(Sensors&&) noexcept = default;

SensorReading Sensors::Read(int64_t now_ns) {
  return readers_->board.Read(now_ns);
}

SensorSources Sensors::Sources() const { return readers_->board.Sources(); }

std::vector<SensorStatus> Sensors::Describe() {
  return readers_->board.Describe();
}

}  // namespace batchsweep
