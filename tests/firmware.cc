#include "tests/firmware.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <format>

namespace batchsweep {

Mailbox::Transfer Firmware::tags() {
  return [this](std::span<uint32_t> words) { return AnswerTag(words); };
}

Mailbox::Transfer Firmware::commands() {
  return [this](std::span<uint32_t> words) { return AnswerCommand(words); };
}

bool Firmware::AnswerTag(std::span<uint32_t> words) {
  tags_asked.push_back(words[2]);
  if (broken) return false;
  REQUIRE(words[0] == words.size_bytes());
  REQUIRE(words[1] == 0);
  REQUIRE(words.back() == 0);
  if (words[2] == 0x00030046) {
    REQUIRE(words[3] == 4);
    REQUIRE(words[5] == 0);  // a mask would clear bits
    words[5] = throttled;
    words[4] = 0x80000004;
  } else if (words[2] == 0x00030047) {
    REQUIRE(words[3] == 8);
    REQUIRE(words[5] == 3);
    words[6] = clock_hz;
    words[4] = 0x80000008;
  } else {
    words[1] = 0x80000001;
    return true;
  }
  words[1] = 0x80000000;
  return true;
}

std::string Firmware::AnswerTo(const std::string& command) const {
  if (!knows_commands) return kNotRegistered;
  if (command == "get_throttled") {
    return std::format("throttled={:#x}", throttled);
  }
  if (command == "measure_clock arm") {
    return std::format("frequency(48)={}", clock_hz);
  }
  return command == "pmic_read_adc" ? rails : kNotRegistered;
}

bool Firmware::AnswerCommand(std::span<uint32_t> words) {
  if (broken) return false;
  REQUIRE(words[2] == 0x00030080);
  REQUIRE(words[0] == words.size_bytes());
  auto* text = reinterpret_cast<char*>(&words[6]);
  const std::string answer = AnswerTo(text);
  REQUIRE(answer.size() < words[3]);
  // What the request had behind the answer's end stays.
  std::ranges::copy(answer + '\0', text);
  words[1] = words[4] = 0x80000000;
  words[5] = 0;
  return true;
}

Board BoardWith(const Tree& tree, Firmware& firmware) {
  Board board = OpenBoard(tree.root());
  board.mailbox = Mailbox(firmware.tags(), firmware.commands());
  return board;
}

std::vector<PmicRail> LoadedPi5Rails() {
  return {{"3V7_WL_SW", 0, 8, 0.09368929, 3.69977600},
          {"3V3_SYS", 1, 9, 0.08783370, 3.31003300},
          {"1V8_SYS", 2, 10, 0.18054710, 1.80512600},
          {"DDR_VDD2", 3, 11, 0.22543980, 1.10476100},
          {"DDR_VDDQ", 4, 12, 0.06666720, 0.60146460},
          {"1V1_SYS", 5, 13, 0.17566740, 1.11025500},
          {"0V8_SW", 6, 14, 0.37670900, 0.80146440},
          {"VDD_CORE", 7, 15, 6.22421000, 0.86173300},
          {"3V3_DAC", 17, 20, 0.00006105, 3.31318300},
          {"3V3_ADC", 18, 21, 0.00036630, 3.30677300},
          {"0V8_AON", 16, 19, 0.00305250, 0.80029220},
          {"HDMI", 22, 23, 0.02417580, 5.08664000}};
}

std::string PmicAnswer(const std::vector<PmicRail>& rails, char separator) {
  std::string text;
  const auto add = [&](const std::string& name, const char* kind, int index,
                       double value, char unit) {
    text += std::format("{:>12} {}({})={:.8f}{}{}", name, kind, index, value,
                        unit, separator);
  };
  for (const PmicRail& rail : rails) {
    add(std::string(rail.name) + "_A", "current", rail.current_index,
        rail.amperes, 'A');
  }
  for (const PmicRail& rail : rails) {
    add(std::string(rail.name) + "_V", "volt", rail.voltage_index, rail.volts,
        'V');
  }
  add("EXT5V_V", "volt", 24, 5.09066, 'V');
  add("BATT_V", "volt", 25, 0.0, 'V');
  return text;
}

}  // namespace batchsweep
