#include "platform/linux/mailbox.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

namespace batchsweep {
namespace {

// 0xC0086400, and 0xC0046400 for a 32-bit program: the size is a pointer's.
constexpr unsigned long kPropertyRequest = _IOWR(100, 0, char*);

constexpr uint32_t kAnswered = 0x80000000;  // of the buffer, and of a tag
constexpr uint32_t kGetThrottled = 0x00030046;
constexpr uint32_t kGetClockMeasured = 0x00030047;
constexpr uint32_t kGetGencmdResult = 0x00030080;
constexpr uint32_t kArmClock = 3;

// As vcgencmd prints lines, and as the mailbox gives them.
constexpr std::string_view kLineEnds("\n\0", 2);

// Places in a buffer.
constexpr size_t kStatus = 1, kTagStatus = 4, kValues = 5;

Mailbox::Transfer OpenNode(const std::filesystem::path& node) {
  const int fd = open(node.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {};
  const std::shared_ptr<const int> owned(new int(fd), [](const int* file) {
    close(*file);
    delete file;
  });
  return [owned](std::span<uint32_t> words) {
    return ioctl(*owned, kPropertyRequest, words.data()) >= 0;
  };
}

bool IsAnswered(std::span<const uint32_t> words) {
  return words[kStatus] == kAnswered && (words[kTagStatus] & kAnswered) != 0;
}

// The number behind '=' in "throttled=0x50000" or "frequency(48)=1500398464".
std::optional<double> NumberBehindEquals(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  const char* begin = text.c_str() + equals + 1;
  char* end = nullptr;
  const double value = std::strtod(begin, &end);  // hexadecimal too
  if (end == begin || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

Mailbox Mailbox::Open(const std::filesystem::path& root) {
  Transfer tags = OpenNode(root / "dev/vcio");
  Transfer commands = OpenNode(root / "dev/vcio_gencmd");
  if (!commands) commands = tags;
  return Mailbox(std::move(tags), std::move(commands));
}

std::optional<uint32_t> Mailbox::Ask(uint32_t tag,
                                     std::span<const uint32_t> values) const {
  if (!tags_) return std::nullopt;
  std::vector<uint32_t> words = {0, 0, tag,
                                 static_cast<uint32_t>(values.size_bytes()), 0};
  words.insert(words.end(), values.begin(), values.end());
  words.push_back(0);
  words[0] = static_cast<uint32_t>(words.size() * sizeof(uint32_t));
  if (!tags_(words) || !IsAnswered(words)) return std::nullopt;
  return words[words.size() - 2];
}

std::optional<std::string> Mailbox::Command(std::string_view command) const {
  constexpr size_t kTextBytes = 1024;  // as vcgencmd has
  if (!commands_ || command.size() >= kTextBytes) return std::nullopt;
  // An error code stands before the text.
  std::array<uint32_t, kValues + 1 + kTextBytes / sizeof(uint32_t) + 1> words =
      {sizeof words, 0, kGetGencmdResult, kTextBytes, 0};
  auto* text = reinterpret_cast<char*>(&words[kValues + 1]);
  std::ranges::copy(command, text);
  if (!commands_(words) || !IsAnswered(words) || words[kValues] != 0) {
    return std::nullopt;
  }
  // Lines may be separated by zero bytes, so the first is not the end.
  std::string answer(text, kTextBytes);
  answer.erase(answer.find_last_not_of('\0') + 1);
  // A command that the firmware does not know is answered, and by a text:
  // error=1 error_msg="Command not registered".
  if (answer.starts_with("error=")) return std::nullopt;
  return answer;
}

std::optional<uint32_t> Mailbox::ThrottleWord() const {
  // The value is a mask of bits to clear: none, they are others' to read too.
  if (const auto word = Ask(kGetThrottled, std::array<uint32_t, 1>{0})) {
    return word;
  }
  const auto text = Command("get_throttled");
  const auto value = text ? NumberBehindEquals(*text) : std::nullopt;
  if (!value || *value < 0 || *value > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

std::optional<double> Mailbox::CpuFrequencyHz() const {
  if (const auto hz =
          Ask(kGetClockMeasured, std::array<uint32_t, 2>{kArmClock, 0});
      hz && *hz > 0) {
    return *hz;
  }
  const auto text = Command("measure_clock arm");
  const auto hz = text ? NumberBehindEquals(*text) : std::nullopt;
  return hz && *hz > 0 ? hz : std::nullopt;
}

std::optional<double> Mailbox::RailsWatts() const {
  const auto text = Command("pmic_read_adc");
  return text ? SumOfRails(*text) : std::nullopt;
}

std::optional<double> SumOfRails(std::string_view text) {
  std::map<std::string, double> amperes, volts;
  while (!text.empty()) {
    const size_t end = text.find_first_of(kLineEnds);
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line.erase(0, line.find_first_not_of(' '));
    const size_t space = line.find(' ');
    const auto value = NumberBehindEquals(line);
    if (space == std::string::npos || space < 2 || !value) continue;
    const std::string rail = line.substr(0, space - 2);  // without _A or _V
    const std::string_view kind = std::string_view(line).substr(space + 1);
    if (kind.starts_with("current(")) amperes[rail] = *value;
    if (kind.starts_with("volt(")) volts[rail] = *value;
  }
  std::optional<double> watts;
  for (const auto& [rail, current] : amperes) {
    if (const auto voltage = volts.find(rail); voltage != volts.end()) {
      watts = watts.value_or(0.0) + current * voltage->second;
    }
  }
  if (watts && !std::isfinite(*watts)) return std::nullopt;  // no rails' sum
  return watts;
}

}  // namespace batchsweep
