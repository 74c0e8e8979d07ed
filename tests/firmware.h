// A made-up Raspberry Pi firmware behind the mailbox.
#ifndef BATCHSWEEP_TESTS_FIRMWARE_H_
#define BATCHSWEEP_TESTS_FIRMWARE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "platform/linux/mailbox.h"
#include "platform/linux/sensor.h"
#include "tests/board_trees.h"

namespace batchsweep {

// What older firmware, and that of boards without a power chip, says to a
// command it does not know. The request itself succeeds.
inline constexpr const char* kNotRegistered =
    "error=1 error_msg=\"Command not registered\"";

// Answers requests as the firmware's wiki says, and checks their form.
struct Firmware {
  uint32_t throttled = 0x50000;
  uint32_t clock_hz = 1'500'398'464;
  // Of `pmic_read_adc`.
  std::string rails = kNotRegistered;
  bool knows_commands = true;
  bool broken = false;
  std::vector<uint32_t> tags_asked = {};

  Mailbox::Transfer tags();
  Mailbox::Transfer commands();

 private:
  bool AnswerTag(std::span<uint32_t> words);
  bool AnswerCommand(std::span<uint32_t> words);
  std::string AnswerTo(const std::string& command) const;
};

// The board of `tree` with this firmware; both outlive it.
Board BoardWith(const Tree& tree, Firmware& firmware);

// One rail of a Raspberry Pi 5's power chip, as it was read.
struct PmicRail {
  const char* name;
  int current_index, voltage_index;
  double amperes, volts;
};

// Of a Raspberry Pi 5 Rev 1.0 with four busy cores, in the order of its answer.
// Recorded by ml-energy/zeus for its tests (`vcgencmd pmic_read_adc`).
std::vector<PmicRail> LoadedPi5Rails();

// The answer with these rails: all currents, all voltages, then EXT5V and BATT,
// which are voltages alone; names flush to the right. `separator` ends each
// line: '\n' as vcgencmd prints them, '\0' as the mailbox gives them.
std::string PmicAnswer(const std::vector<PmicRail>& rails, char separator);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TESTS_FIRMWARE_H_
