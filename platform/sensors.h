// The state of the board while it computes. The porting spec: a platform that
// cannot tell a value leaves it absent, and absent is an empty cell, never 0.
#ifndef BATCHSWEEP_PLATFORM_SENSORS_H_
#define BATCHSWEEP_PLATFORM_SENSORS_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace batchsweep {

struct SensorReading {
  std::optional<double> cpu_temp_celsius;
  std::optional<double> cpu_freq_hz;  // of the first core; what the kernel says
                                      // it asked for, which may be more than
                                      // the hardware gives under throttling
  std::optional<bool> throttled;      // now, by the board's own account
  std::optional<double> power_watts;  // of the whole board or module
};

// For `batchsweep info`: whether this process can read a sensor.
struct SensorStatus {
  std::string name;
  bool readable = false;
  std::string detail;  // what is read and where from, or why it is not
  // The shell command that makes it readable; absent if it is already, or if
  // the board has no such sensor.
  std::optional<std::string> remedy = std::nullopt;
};

// Finds the files once, then reads only those. Not for inside a step: each
// file costs microseconds, on some boards milliseconds.
class Sensors {
 public:
  // `root` stands for "/"; tests give a recorded tree.
  explicit Sensors(std::filesystem::path root = "/");

  SensorReading Read() const;
  std::vector<SensorStatus> Describe() const;

 private:
  std::filesystem::path root_;
  std::optional<std::filesystem::path> temperature_file_;
  std::string temperature_type_;
  std::optional<std::filesystem::path> frequency_file_;
  std::optional<std::filesystem::path> throttle_word_file_;  // Raspberry Pi
  std::vector<std::filesystem::path> throttle_alert_files_;  // Jetson
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_SENSORS_H_
