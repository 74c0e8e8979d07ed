#include <vector>

#include "platform/linux/sensor.h"
#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;

// The highest of these files, which are in kilohertz.
std::optional<double> HighestHz(const std::vector<Path>& files) {
  std::optional<int64_t> highest;
  for (const Path& file : files) {
    const auto khz = sysfs::ReadInteger(file);
    if (khz && *khz > highest.value_or(0)) highest = khz;
  }
  return highest ? std::optional(static_cast<double>(*highest) * 1e3)
                 : std::nullopt;
}

// cpuinfo_cur_freq is not for us: on a Xavier it keeps the core busy for 0.5
// ms.
std::vector<Path> PolicyFiles(const Path& root, const char* name) {
  std::vector<Path> files;
  for (const Path& policy :
       sysfs::List(root / "sys/devices/system/cpu/cpufreq", "policy")) {
    if (sysfs::ReadInteger(policy / name)) files.push_back(policy / name);
  }
  return files;
}

// The clock that is most to be believed: the firmware's, which counts pulses;
// the CPU's own mean; what the kernel asked for. A throttled Raspberry Pi 3B+
// runs at 600 MHz while the kernel's files say 1400 throughout.
class CpuFrequency : public Sensor {
 public:
  explicit CpuFrequency(const Board& board)
      : board_(board),
        averages_(PolicyFiles(board.root, "cpuinfo_avg_freq")),
        requests_(PolicyFiles(board.root, "scaling_cur_freq")),
        max_freq_hz_(HighestHz(PolicyFiles(board.root, "scaling_max_freq"))),
        firmware_measures_(board.mailbox.CpuFrequencyHz().has_value()) {}

  void Read(int64_t, SensorReading& reading) override {
    reading.cpu_freq_hz = Hz();
  }

  void AddSource(SensorSources& sources) const override {
    sources.max_freq_hz = max_freq_hz_;
    sources.frequency_is_measured = firmware_measures_ || !averages_.empty();
    sources.frequency = Source();
  }

  std::optional<SensorStatus> Describe() override {
    const bool readable = Hz().has_value();
    return SensorStatus{
        "frequency", readable,
        readable ? Source()
                 : "no cpufreq driver is loaded; virtual machines have none"};
  }

 private:
  std::string Source() const {
    if (firmware_measures_) return "measured by the firmware";
    if (!averages_.empty()) return "measured by the CPU (cpuinfo_avg_freq)";
    if (!requests_.empty()) return "asked for by the kernel (scaling_cur_freq)";
    return "";
  }

  std::optional<double> Hz() const {
    // What the kernel asked for is no stand-in for a measurement that fails
    // once: steps would look faster than they were clocked.
    if (firmware_measures_) return board_.mailbox.CpuFrequencyHz();
    return HighestHz(averages_.empty() ? requests_ : averages_);
  }

  const Board& board_;
  const std::vector<Path> averages_;  // measured, by newer kernels
  const std::vector<Path> requests_;
  const std::optional<double> max_freq_hz_;
  const bool firmware_measures_;
};

}  // namespace

std::unique_ptr<Sensor> FindCpuFrequency(const Board& board) {
  return std::make_unique<CpuFrequency>(board);
}

}  // namespace batchsweep
