// Whether a board slows itself down, by its own account.
#ifndef BATCHSWEEP_PLATFORM_LINUX_THROTTLING_H_
#define BATCHSWEEP_PLATFORM_LINUX_THROTTLING_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "platform/linux/mailbox.h"

namespace batchsweep {

class Throttling {
 public:
  // `mailbox` outlives it.
  Throttling(const std::filesystem::path& root, const Mailbox& mailbox);

  // Now, or since the last call. The first of: the Raspberry Pi's throttle
  // word, by the mailbox or by the kernel's copy, which is up to 2 s old; its
  // under-voltage alarm, which can say only that it is; a Jetson's alerts.
  std::optional<bool> Read();

  // Where from: "the mailbox"; empty where there is nothing to read.
  std::string source() const;

 private:
  std::optional<bool> ReadWord();

  const std::filesystem::path root_;
  const Mailbox& mailbox_;
  std::optional<std::filesystem::path> word_file_;   // Raspberry Pi
  std::optional<std::filesystem::path> alarm_file_;  // Raspberry Pi
  std::vector<std::filesystem::path> alert_files_;   // Jetson
  std::optional<uint32_t> last_word_;
};

// Events of a Jetson Orin's over-current and under-voltage circuits since its
// start. Absent without them. Healthy boards count them by the thousand, so
// they are no sign of throttling.
class OverCurrentEvents {
 public:
  explicit OverCurrentEvents(const std::filesystem::path& root);
  std::optional<int64_t> Read() const;

 private:
  std::vector<std::filesystem::path> files_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_LINUX_THROTTLING_H_
