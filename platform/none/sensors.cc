// A platform without sensors: every reading absent. What a new port links
// first.
#include "platform/sensors.h"

namespace batchsweep {

struct Sensors::Readers {};

Sensors::Sensors(const std::filesystem::path&) {}
Sensors::~Sensors() = default;
Sensors::Sensors(Sensors&&) noexcept = default;

SensorReading Sensors::Read(int64_t) { return {}; }

SensorSources Sensors::Sources() const { return {}; }

std::vector<SensorStatus> Sensors::Describe() {
  return {{"sensors", false, "this build reads none"}};
}

}  // namespace batchsweep
