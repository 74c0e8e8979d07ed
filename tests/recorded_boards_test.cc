// What is read of boards as they were recorded: throttle words, clocks, rails.
// NAME.txt is a result of sbc-bench (ThomasKaiser/sbc-bench, results/).
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cstdint>
#include <filesystem>
#include <format>
#include <string>
#include <vector>

#include "measure/readings.h"
#include "platform/linux/board_sensors.h"
#include "platform/linux/power.h"
#include "tests/board_trees.h"
#include "tests/firmware.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinAbs;

// Throttle words of recorded boards, as sbc-bench printed them (in binary; its
// legend swaps bits 1 and 2, 17 and 18): whether each says "now", and which of
// its bits only tell of the time since the start.
TEST_CASE("a throttle word's low bits are now, its high bits since the start",
          "[sensors]") {
  struct Recorded {
    uint32_t word;
    bool now;
  };
  for (const Recorded& recorded :
       {// Raspberry Pi 3B+ (1iH0.txt): too low a voltage, throttled; now and
        // since.
        Recorded{0x50005, true},
        // Raspberry Pi 3B at 85 degrees (4hOp.txt): frequency capped; now and
        // since.
        Recorded{0x20002, true},
        // Raspberry Pi 4B at 82 degrees and full clock (1MFf.txt): was capped.
        Recorded{0x20000, false},
        // Raspberry Pi 4B, overclocked (3Llk.txt): was capped, throttled and at
        // its soft temperature limit.
        Recorded{0xE0000, false}}) {
    Firmware firmware{.throttled = recorded.word};
    const Tree tree;
    BoardSensors board(BoardWith(tree, firmware));
    INFO(recorded.word);
    CHECK(board.Read(1).throttled == recorded.now);
    CHECK(board.Read(1).throttled == recorded.now);
    firmware.throttled = recorded.word & 0xF0000;  // it is over
    CHECK(board.Read(1).throttled == false);
  }
}

TEST_CASE("each bit of a throttle word counts, now and when it is new",
          "[sensors]") {
  // 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit.
  for (const int bit : {0, 1, 2, 3}) {
    Firmware firmware{.throttled = 0};
    const Tree tree;
    BoardSensors board(BoardWith(tree, firmware));
    INFO(bit);
    CHECK(board.Read(1).throttled == false);
    firmware.throttled = 0x10001u << bit;
    CHECK(board.Read(1).throttled == true);  // new since the start, and now
    CHECK(board.Read(2).throttled == true);  // now
    firmware.throttled = 0x10000u << bit;    // over, and known
    CHECK(board.Read(1).throttled == false);
    firmware.throttled = 0;
    CHECK(board.Read(1).throttled == false);
    firmware.throttled = 0x10000u << bit;  // came and went since the last call
    CHECK(board.Read(1).throttled == true);
    CHECK(board.Read(1).throttled == false);
  }
  // Bits of other meanings are none of ours.
  Firmware firmware{.throttled = 0xFFF0FFF0};
  const Tree tree;
  CHECK(BoardSensors(BoardWith(tree, firmware)).Read(1).throttled == false);
}

constexpr uint32_t kMhz = 1'000'000;
constexpr int64_t kMs = 1'000'000;

// One line of a recording: what the kernel's file said, what the firmware
// measured, and the flags of a step then.
struct ClockLine {
  int kernel_mhz;
  uint32_t firmware_mhz;
  bool slow;
};

void CheckClocks(void (*make)(Tree&), int max_mhz, uint32_t word,
                 bool throttled, const std::vector<ClockLine>& lines) {
  Tree tree;
  make(tree);
  const std::string policy = "sys/devices/system/cpu/cpufreq/policy0/";
  tree.Add(policy + "scaling_max_freq", std::format("{}000\n", max_mhz));
  Firmware firmware{.throttled = word};
  BoardSensors board(BoardWith(tree, firmware));
  CHECK(board.Sources().frequency == "measured by the firmware");
  CHECK(board.Sources().frequency_is_measured);
  for (const ClockLine& line : lines) {
    tree.Add(policy + "scaling_cur_freq",
             std::format("{}000\n", line.kernel_mhz));
    firmware.clock_hz = line.firmware_mhz * kMhz;
    INFO(line.kernel_mhz << "/" << line.firmware_mhz << " MHz");
    Readings readings(board.Sources());
    for (const int64_t time_ns : {int64_t{0}, 100 * kMs}) {
      readings.Add({.time_ns = time_ns, .sensors = board.Read(time_ns)});
    }
    const StepReading step = readings.During(50 * kMs, kMs);
    CHECK(step.board.cpu_freq_hz == line.firmware_mhz * 1e6);
    CHECK(step.flags.Has(StepFlag::kSlowClock) == line.slow);
    CHECK(step.flags.Has(StepFlag::kThrottled) == throttled);
  }
}

TEST_CASE("a clock below what the kernel's files say is flagged as slow",
          "[sensors][readings]") {
  // Raspberry Pi 3B+ under too low a voltage (1iH0.txt, lines 340 to 366).
  CheckClocks(MakePi3, 1400, 0x50005, true,
              {{1400, 1200, true}, {1400, 600, true}});
  // Raspberry Pi 3B at 81 to 85 degrees (4hOp.txt, lines 592 to 597): 1141 MHz
  // are still 95 % of 1200.
  CheckClocks(MakePi3, 1200, 0x20002, true,
              {{1200, 1141, false}, {1200, 818, true}, {1200, 657, true}});
  // Raspberry Pi 4B, capped earlier (1MFf.txt, lines 363 to 370).
  CheckClocks(MakePi4, 1500, 0x20000, false, {{1500, 1500, false}});
  // Raspberry Pi 4B, overclocked (3Llk.txt, lines 430 to 437).
  CheckClocks(MakePi4, 2147, 0xE0000, false, {{2147, 2148, false}});
  // Raspberry Pi 5, overclocked (frdzAn.txt, line 581).
  CheckClocks(MakePi5, 3000, 0, false, {{3000, 3000, false}});
}

TEST_CASE("a firmware that fails to measure once leaves the clock absent",
          "[sensors]") {
  Tree tree;
  MakePi3(tree);
  Firmware firmware{.clock_hz = 600 * kMhz};
  BoardSensors board(BoardWith(tree, firmware));
  CHECK(board.Read(1).cpu_freq_hz == 6e8);
  firmware.broken = true;  // the kernel's file says 1400 MHz
  CHECK_FALSE(board.Read(2).cpu_freq_hz);
}

TEST_CASE("a Raspberry Pi 5's power is its rails', and absent without them",
          "[sensors]") {
  Tree tree;
  MakePi5(tree);
  Firmware firmware{.rails = PmicAnswer(LoadedPi5Rails(), '\0')};
  BoardSensors board(BoardWith(tree, firmware));
  CHECK_THAT(board.Read(1).power_watts.value(), WithinAbs(7.23981880, 1e-7));
  CHECK(board.Sources().energy_grade == EnergyGrade::kBoardRails);
  firmware.rails = kNotRegistered;
  CHECK_FALSE(board.Read(2).power_watts);
  BoardSensors older(BoardWith(tree, firmware));
  CHECK_FALSE(older.Read(1).power_watts);
  CHECK(older.Sources().energy_grade == EnergyGrade::kNone);
  CHECK(older.Sources().power.empty());
}

double WattsOf(const Tree& tree) {
  return BoardSensors(OpenBoard(tree.root())).Read(1).power_watts.value_or(-1);
}

std::vector<std::string> RailNames(const Tree& tree) {
  std::vector<std::string> names;
  for (const PowerRail& rail : FindJetsonRails(tree.root())) {
    names.push_back(rail.name);
  }
  return names;
}

TEST_CASE("an Orin Nano's power is VDD_IN's alone", "[sensors]") {
  Tree tree;
  MakeJetsonOrinNano(tree);  // 4vy7.txt
  CHECK(RailNames(tree) ==
        std::vector<std::string>{"VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"});
  CHECK_THAT(WattsOf(tree), WithinAbs(4.90 * 1.05, 1e-9));
  AddIna3221(tree, "1-0040", "hwmon3",  // 4Ebd.txt, lines 99 to 116
             {{"VDD_IN", 5050, 960},
              {"VDD_CPU_GPU_CV", 5040, 136},
              {"VDD_SOC", 5050, 296}});
  CHECK_THAT(WattsOf(tree), WithinAbs(5.05 * 0.96, 1e-9));
}

TEST_CASE("an AGX Orin's power is the sum over its first chip's channels",
          "[sensors]") {
  Tree tree;
  MakeJetsonAgxOrin(tree);  // 4ax9.txt
  CHECK(RailNames(tree) == std::vector<std::string>{"VDD_GPU_SOC", "VDD_CPU_CV",
                                                    "VIN_SYS_5V0",
                                                    "VDDQ_VDD2_1V8AO"});
  // 4.7952 + 1.5984 + 3.7444
  CHECK_THAT(WattsOf(tree), WithinAbs(10.1380, 1e-9));
  // The chips' hwmon numbers change from boot to boot.
  const auto drivers = tree.root() / "sys/bus/i2c/drivers/ina3221";
  std::filesystem::rename(drivers / "1-0040/hwmon/hwmon3",
                          drivers / "1-0040/hwmon/hwmon5");
  CHECK_THAT(WattsOf(tree), WithinAbs(10.1380, 1e-9));
}

TEST_CASE("a channel that cannot be read makes the sum absent", "[sensors]") {
  const std::string folder = "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/";
  for (const char* file : {"curr3_input", "in1_input"}) {
    Tree tree;
    MakeJetsonAgxOrin(tree);
    BoardSensors board(OpenBoard(tree.root()));
    CHECK(board.Read(1).power_watts.has_value());
    tree.AddUnreadable(folder + file);
    CHECK_FALSE(board.Read(2).power_watts);
    // Nor is a sum without that channel made of it at the next start.
    BoardSensors next(OpenBoard(tree.root()));
    CHECK_FALSE(next.Read(1).power_watts);
  }
  // What cannot be read on the recorded board is no part of the sum.
  Tree tree;
  MakeJetsonAgxOrin(tree);
  tree.AddUnreadable(
      "sys/bus/i2c/drivers/ina3221/1-0041/hwmon/hwmon4/in2_input");
  CHECK_THAT(WattsOf(tree), WithinAbs(10.1380, 1e-9));
}

}  // namespace
}  // namespace batchsweep
