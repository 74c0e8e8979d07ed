// The state of the board while it computes. The porting spec: a platform that
// cannot tell a value leaves it absent, and absent is an empty cell, never 0.
#ifndef BATCHSWEEP_PLATFORM_SENSORS_H_
#define BATCHSWEEP_PLATFORM_SENSORS_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace batchsweep {

struct SensorReading {
  std::optional<double> cpu_temp_celsius;
  std::optional<double> cpu_freq_hz;  // the highest of all cores, which is that
                                      // of the cores at work
  // Whether the board slowed itself down, by its own account: now or, where it
  // counts such events, since the reading before. Absent is not "no".
  std::optional<bool> throttled;
  // Of what SensorSources::power says. Where a counter of energy is the source,
  // the mean since the reading before, and absent in the first one.
  std::optional<double> power_watts;
  // Of over-current and under-voltage, since the board's start. Healthy boards
  // count them too: not throttling.
  std::optional<int64_t> over_current_events;

  bool operator==(const SensorReading&) const = default;
};

// How far a power can be trusted to be the board's.
enum class EnergyGrade {
  kNone,
  kPackageCounter,  // of the CPU's package alone, an estimate of its own
  kBoardRails,      // measured where they enter the board or module
  kMeter,           // measured by an external meter
};
// "none", "package counter", "board rails", "meter"
const char* EnergyGradeName(EnergyGrade grade);

// What the readings are of; it does not change while the program runs.
struct SensorSources {
  std::string frequency;  // "measured by the firmware"; empty without any
  bool frequency_is_measured = false;  // else it is what the kernel asked for,
                                       // which throttling does not show in
  std::optional<double> max_freq_hz;   // that the cores at work may have
  EnergyGrade energy_grade = EnergyGrade::kNone;
  std::string power;  // "VDD_IN of an INA3221"; empty without any
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

// Finds the files once, then reads only those. Used by one thread at a time.
class Sensors {
 public:
  // `root` stands for "/"; tests give a recorded tree.
  explicit Sensors(const std::filesystem::path& root = "/");
  ~Sensors();
  Sensors(Sensors&&) noexcept;

  // At `now_ns` by MonotonicNs(). Costs microseconds a file, on some boards
  // milliseconds: not for inside a step, nor for a thread that computes.
  SensorReading Read(int64_t now_ns);

  SensorSources Sources() const;
  std::vector<SensorStatus> Describe();

 private:
  struct Readers;
  std::unique_ptr<Readers> readers_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_SENSORS_H_
