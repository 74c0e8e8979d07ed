// A sensor as Linux has it: where a board tells one of the readings, how to
// read it, and what `batchsweep info` says of it.
//
// A new sensor is its field in SensorReading (platform/sensors.h), a Find
// function below with its class in a .cc file, and that function's entry in
// kFinders (board_sensors.cc). The readings' and `info`'s order is that list's.
#ifndef BATCHSWEEP_PLATFORM_LINUX_SENSOR_H_
#define BATCHSWEEP_PLATFORM_LINUX_SENSOR_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "platform/linux/mailbox.h"
#include "platform/sensors.h"
#include "platform/system.h"

namespace batchsweep {

// Who may read a file. All false or empty where there is none.
struct FileAccess {
  bool exists = false;
  bool readable = false;  // by this process
  std::string group;      // the owning one's name, "" if it may not read
};
FileAccess ProbeFile(const std::filesystem::path& file);

// Where sensors are looked for.
struct Board {
  std::filesystem::path root;  // stands for "/"
  Mailbox mailbox;
  SystemInfo system;
  // Tests say by it who may read a made-up file, since root may read all.
  std::function<FileAccess(const std::filesystem::path&)> probe = ProbeFile;
};
Board OpenBoard(const std::filesystem::path& root);

// By the names that device trees give their chips.
bool IsRaspberryPi(const SystemInfo& system);  // "bcm2837"
bool IsJetson(const SystemInfo& system);       // "tegra234"

class Sensor {
 public:
  virtual ~Sensor() = default;

  // Writes its field of `reading`; leaves it absent where it cannot be read.
  // Called with growing `now_ns`, by MonotonicNs().
  virtual void Read(int64_t /*now_ns*/, SensorReading& /*reading*/) {}

  // Writes what SensorSources says of it, if that has a field of its own.
  virtual void AddSource(SensorSources& /*sources*/) const {}

  // Its line in `info`; absent where the board is of a kind that has no such
  // sensor, and nothing could be done about it.
  virtual std::optional<SensorStatus> Describe() = 0;
};

// Each finds its files once; `board` outlives what it returns.
using SensorFinder = std::unique_ptr<Sensor> (*)(const Board& board);

std::unique_ptr<Sensor> FindCpuTemperature(const Board& board);
std::unique_ptr<Sensor> FindCpuFrequency(const Board& board);
std::unique_ptr<Sensor> FindThrottling(const Board& board);
std::unique_ptr<Sensor> FindOverCurrent(const Board& board);
std::unique_ptr<Sensor> FindPower(const Board& board);
// No readings, but what some of them come through.
std::unique_ptr<Sensor> FindMailboxAccess(const Board& board);
std::unique_ptr<Sensor> FindCounterAccess(const Board& board);

// Whether this process may ask a Raspberry Pi's firmware, by either node.
SensorStatus MailboxStatus(const Board& board);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_LINUX_SENSOR_H_
