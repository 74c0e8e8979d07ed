// All sensors of a board.
#ifndef BATCHSWEEP_PLATFORM_LINUX_BOARD_SENSORS_H_
#define BATCHSWEEP_PLATFORM_LINUX_BOARD_SENSORS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "platform/linux/sensor.h"
#include "platform/sensors.h"

namespace batchsweep {

// The body of Sensors, for a board that tests may have made up.
class BoardSensors {
 public:
  explicit BoardSensors(Board board);
  BoardSensors(const BoardSensors&) = delete;
  BoardSensors& operator=(const BoardSensors&) = delete;

  SensorReading Read(int64_t now_ns);
  SensorSources Sources() const;
  std::vector<SensorStatus> Describe();

 private:
  const Board board_;
  std::vector<std::unique_ptr<Sensor>> sensors_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_LINUX_BOARD_SENSORS_H_
