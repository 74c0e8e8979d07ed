#include <charconv>
#include <format>
#include <system_error>
#include <vector>

#include "platform/linux/sensor.h"
#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;

constexpr uint32_t kNowBits = 0xf;
constexpr uint32_t kSinceBits = 0xf0000;

// Without "0x".
std::optional<uint32_t> ReadHex(const Path& file) {
  const auto text = sysfs::ReadText(file);
  if (!text) return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), value, 16);
  if (error != std::errc() || end == text->data()) return std::nullopt;
  return value;
}

std::vector<Path> HwmonNamed(const Path& root, std::string_view name) {
  auto found = sysfs::List(root / "sys/class/hwmon", "hwmon");
  std::erase_if(found, [&](const Path& device) {
    return sysfs::ReadText(device / "name") != name;
  });
  return found;
}

// The first of: the Raspberry Pi's throttle word, by the mailbox or by the
// kernel's copy, which is up to 2 s old; its under-voltage alarm, which can say
// only that it is; a Jetson's alerts.
class Throttling : public Sensor {
 public:
  explicit Throttling(const Board& board);

  void Read(int64_t, SensorReading& reading) override {
    reading.throttled = Throttled();
  }
  std::optional<SensorStatus> Describe() override;

 private:
  // Now, or since the last call.
  std::optional<bool> Throttled();
  std::optional<bool> ReadWord();
  // Where from; empty where there is nothing to read.
  std::string Source() const;

  const Board& board_;
  std::optional<Path> word_file_;   // Raspberry Pi
  std::optional<Path> alarm_file_;  // Raspberry Pi
  std::vector<Path> alert_files_;   // Jetson
  std::optional<uint32_t> last_word_;
};

Throttling::Throttling(const Board& board) : board_(board) {
  // The Pi 5 spells the folder soc@107c000000, older models soc.
  for (const auto& soc :
       sysfs::List(board.root / "sys/devices/platform", "soc")) {
    for (const auto& node : sysfs::List(soc, "soc")) {
      if (ReadHex(node / "get_throttled")) word_file_ = node / "get_throttled";
    }
  }
  for (const Path& device : HwmonNamed(board.root, "rpi_volt")) {
    alarm_file_ = device / "in0_lcrit_alarm";
  }
  for (const auto& device :
       sysfs::List(board.root / "sys/class/thermal", "cooling_device")) {
    const auto type = sysfs::ReadText(device / "type");
    if (type && type->ends_with("-throttle-alert")) {
      alert_files_.push_back(device / "cur_state");
    }
  }
}

// The bits of "since the start" that were not there at the last call tell of
// what came and went between the two.
std::optional<bool> Throttling::ReadWord() {
  auto word = board_.mailbox.ThrottleWord();
  if (!word && word_file_) word = ReadHex(*word_file_);
  if (!word) return std::nullopt;
  const uint32_t fresh = *word & ~last_word_.value_or(*word) & kSinceBits;
  last_word_ = word;
  return (*word & kNowBits) != 0 || fresh != 0;
}

std::optional<bool> Throttling::Throttled() {
  if (const auto throttled = ReadWord()) return throttled;
  if (alarm_file_ && sysfs::ReadInteger(*alarm_file_).value_or(0) != 0) {
    return true;
  }
  std::optional<bool> throttled;
  for (const Path& file : alert_files_) {
    if (const auto state = sysfs::ReadInteger(file)) {
      throttled = throttled.value_or(false) || *state > 0;
    }
  }
  return throttled;
}

std::string Throttling::Source() const {
  if (board_.mailbox.ThrottleWord()) {
    return "the firmware's word, by the mailbox";
  }
  if (word_file_) return sysfs::Shown(board_.root, *word_file_);
  if (alarm_file_) {
    return sysfs::Shown(board_.root, *alarm_file_) + ", of under-voltage alone";
  }
  if (alert_files_.empty()) return "";
  return std::format("{} throttle alerts in /sys/class/thermal",
                     alert_files_.size());
}

std::optional<SensorStatus> Throttling::Describe() {
  std::string detail = Source();
  if (detail.empty()) {
    std::error_code ignored;
    detail =
        std::filesystem::exists(board_.root / "dev/vcio", ignored)
            ? "this kernel has no get_throttled file, only the mailbox"
            : "neither a Raspberry Pi's throttle word nor a Jetson's alerts";
  }
  return SensorStatus{"throttling", Throttled().has_value(), detail};
}

// Of a Jetson Orin's circuits. Healthy boards count by the thousand, so they
// are no sign of throttling.
class OverCurrent : public Sensor {
 public:
  explicit OverCurrent(const Path& root) {
    for (const Path& device : HwmonNamed(root, "soctherm_oc")) {
      for (int i = 1; i <= 3; ++i) {
        const Path file = device / std::format("oc{}_event_cnt", i);
        if (sysfs::ReadInteger(file)) files_.push_back(file);
      }
    }
  }

  void Read(int64_t, SensorReading& reading) override {
    reading.over_current_events = Events();
  }

  std::optional<SensorStatus> Describe() override {
    if (files_.empty()) return std::nullopt;
    return SensorStatus{
        "over_current", Events().has_value(),
        std::format("{} counters of soctherm_oc", files_.size())};
  }

 private:
  std::optional<int64_t> Events() const {
    std::optional<int64_t> events;
    for (const Path& file : files_) {
      const auto count = sysfs::ReadInteger(file);
      if (!count) return std::nullopt;
      events = events.value_or(0) + *count;
    }
    return events;
  }

  std::vector<Path> files_;
};

}  // namespace

std::unique_ptr<Sensor> FindThrottling(const Board& board) {
  return std::make_unique<Throttling>(board);
}

std::unique_ptr<Sensor> FindOverCurrent(const Board& board) {
  return std::make_unique<OverCurrent>(board.root);
}

}  // namespace batchsweep
