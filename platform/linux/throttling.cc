#include "platform/linux/throttling.h"

#include <charconv>
#include <format>
#include <system_error>

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

}  // namespace

Throttling::Throttling(const Path& root, const Mailbox& mailbox)
    : root_(root), mailbox_(mailbox) {
  // The Pi 5 spells the folder soc@107c000000, older models soc.
  for (const auto& soc : sysfs::List(root / "sys/devices/platform", "soc")) {
    for (const auto& node : sysfs::List(soc, "soc")) {
      if (ReadHex(node / "get_throttled")) word_file_ = node / "get_throttled";
    }
  }
  for (const Path& device : HwmonNamed(root, "rpi_volt")) {
    alarm_file_ = device / "in0_lcrit_alarm";
  }
  for (const auto& device :
       sysfs::List(root / "sys/class/thermal", "cooling_device")) {
    const auto type = sysfs::ReadText(device / "type");
    if (type && type->ends_with("-throttle-alert")) {
      alert_files_.push_back(device / "cur_state");
    }
  }
}

// The bits of "since the start" that were not there at the last call tell of
// what came and went between the two.
std::optional<bool> Throttling::ReadWord() {
  auto word = mailbox_.ThrottleWord();
  if (!word && word_file_) word = ReadHex(*word_file_);
  if (!word) return std::nullopt;
  const uint32_t fresh = *word & ~last_word_.value_or(*word) & kSinceBits;
  last_word_ = word;
  return (*word & kNowBits) != 0 || fresh != 0;
}

std::optional<bool> Throttling::Read() {
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

std::string Throttling::source() const {
  if (mailbox_.ThrottleWord()) return "the firmware's word, by the mailbox";
  if (word_file_) return sysfs::Shown(root_, *word_file_);
  if (alarm_file_) {
    return sysfs::Shown(root_, *alarm_file_) + ", of under-voltage alone";
  }
  if (alert_files_.empty()) return "";
  return std::format("{} throttle alerts in /sys/class/thermal",
                     alert_files_.size());
}

OverCurrentEvents::OverCurrentEvents(const Path& root) {
  for (const Path& device : HwmonNamed(root, "soctherm_oc")) {
    for (int i = 1; i <= 3; ++i) {
      const Path file = device / std::format("oc{}_event_cnt", i);
      if (sysfs::ReadInteger(file)) files_.push_back(file);
    }
  }
}

std::optional<int64_t> OverCurrentEvents::Read() const {
  std::optional<int64_t> events;
  for (const Path& file : files_) {
    const auto count = sysfs::ReadInteger(file);
    if (!count) return std::nullopt;
    events = events.value_or(0) + *count;
  }
  return events;
}

}  // namespace batchsweep
