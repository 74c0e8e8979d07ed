// A platform without sensors: every reading absent. What a new port links
// first.
#include "platform/sensors.h"

namespace batchsweep {

Sensors::Sensors(std::filesystem::path) {}

SensorReading Sensors::Read() const { return {}; }

std::vector<SensorStatus> Sensors::Describe() const {
  return {{"sensors", false, "this build reads none"}};
}

}  // namespace batchsweep
