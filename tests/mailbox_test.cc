#include "platform/linux/mailbox.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include "platform/linux/throttling.h"
#include "tests/board_trees.h"
#include "tests/firmware.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

// Of the twelve rails of LoadedPi5Rails(), volts times amperes in that order:
//   0.34662939 + 0.29073245 + 0.32591026 + 0.24905710 + 0.04009796 +
//   0.19503561 + 0.30191885 + 5.36360716 + 0.00020227 + 0.00121127 +
//   0.00244289 + 0.12297359
constexpr double kLoadedPi5Watts = 7.23981880;

TEST_CASE("the mailbox tells throttling, clock and rails", "[sensors]") {
  Firmware firmware{.rails = PmicAnswer(LoadedPi5Rails(), '\0')};
  const Mailbox mailbox(firmware.tags(), firmware.commands());
  CHECK(mailbox.ThrottleWord() == 0x50000u);
  CHECK(mailbox.CpuFrequencyHz() == 1'500'398'464.0);
  CHECK_THAT(mailbox.RailsWatts().value(), WithinAbs(kLoadedPi5Watts, 1e-7));
  CHECK(firmware.tags_asked == std::vector<uint32_t>{0x30046, 0x30047});
}

TEST_CASE("a Raspberry Pi 5's rails are read whatever ends their lines",
          "[sensors]") {
  for (const char separator : {'\0', '\n'}) {
    Firmware firmware{.rails = PmicAnswer(LoadedPi5Rails(), separator)};
    const Mailbox mailbox({}, firmware.commands());
    CHECK_THAT(mailbox.RailsWatts().value(), WithinAbs(kLoadedPi5Watts, 1e-7));
  }
}

// As both rails of the memory are on an idle Raspberry Pi 5.
TEST_CASE("a rail of exactly zero is a rail like any other", "[sensors]") {
  auto rails = LoadedPi5Rails();
  for (const size_t ddr : {3u, 4u}) rails[ddr].amperes = 0.0;
  CHECK_THAT(SumOfRails(PmicAnswer(rails, '\0')).value(),
             WithinAbs(kLoadedPi5Watts - 0.24905710 - 0.04009796, 1e-7));
  for (PmicRail& rail : rails) rail.amperes = 0.0;
  CHECK(SumOfRails(PmicAnswer(rails, '\0')) == 0.0);
}

TEST_CASE("voltages without a current are no power", "[sensors]") {
  CHECK_FALSE(SumOfRails(PmicAnswer({}, '\0')));  // EXT5V and BATT
}

TEST_CASE("where only commands are allowed the mailbox tells the same",
          "[sensors]") {
  Firmware firmware{.throttled = 0x50005};
  const Mailbox mailbox({}, firmware.commands());
  CHECK(mailbox.ThrottleWord() == 0x50005u);
  CHECK(mailbox.CpuFrequencyHz() == 1'500'398'464.0);
}

TEST_CASE("a mailbox that is not there or does not answer tells nothing",
          "[sensors]") {
  Firmware firmware{.broken = true};
  for (const Mailbox& mailbox :
       {Mailbox({}, {}), Mailbox(firmware.tags(), firmware.commands())}) {
    CHECK_FALSE(mailbox.ThrottleWord());
    CHECK_FALSE(mailbox.CpuFrequencyHz());
    CHECK_FALSE(mailbox.RailsWatts());
  }
  const Tree tree;
  CHECK_FALSE(Mailbox::Open(tree.root()).ThrottleWord());
}

// "error=1 error_msg=..." is neither the throttle word 1 nor a clock of 1 Hz.
TEST_CASE("a command that the firmware does not know is no number",
          "[sensors]") {
  Firmware firmware{.knows_commands = false};
  const Mailbox mailbox({}, firmware.commands());
  CHECK_FALSE(mailbox.ThrottleWord());
  CHECK_FALSE(mailbox.CpuFrequencyHz());
  CHECK_FALSE(mailbox.RailsWatts());
}

TEST_CASE("rails pair by name, and garbage among them is left out",
          "[sensors]") {
  CHECK_FALSE(SumOfRails(""));
  CHECK_FALSE(SumOfRails("EXT5V_V volt(24)=5.1V\n"));
  CHECK_FALSE(SumOfRails("A_A current(0)=nanA\nA_V volt(1)=5.0V\n"));
  CHECK_FALSE(SumOfRails("= =\n_A current(0\n  \nx"));
  CHECK_THAT(SumOfRails("B_V volt(1)=2.0V\nA_V volt(9)=3.0V\n"
                        "C_A current(4)=7A\nA_A current(3)=0.5A\n")
                 .value(),
             WithinRel(1.5, 1e-9));
}

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
    const Mailbox mailbox(firmware.tags(), firmware.commands());
    const Tree tree;
    Throttling throttling(tree.root(), mailbox);
    INFO(recorded.word);
    CHECK(throttling.Read() == recorded.now);
    CHECK(throttling.Read() == recorded.now);
    firmware.throttled = recorded.word & 0xF0000;  // it is over
    CHECK(throttling.Read() == false);
  }
}

TEST_CASE("each bit of a throttle word counts, now and when it is new",
          "[sensors]") {
  // 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit.
  for (const int bit : {0, 1, 2, 3}) {
    Firmware firmware{.throttled = 0};
    const Mailbox mailbox(firmware.tags(), firmware.commands());
    const Tree tree;
    Throttling throttling(tree.root(), mailbox);
    INFO(bit);
    CHECK(throttling.Read() == false);
    firmware.throttled = 0x10001u << bit;
    CHECK(throttling.Read() == true);
    firmware.throttled = 0x10000u << bit;  // over, and known
    CHECK(throttling.Read() == false);
    firmware.throttled = 0;
    CHECK(throttling.Read() == false);
    firmware.throttled = 0x10000u << bit;  // came and went since the last call
    CHECK(throttling.Read() == true);
    CHECK(throttling.Read() == false);
  }
  // Bits of other meanings are none of ours.
  Firmware firmware{.throttled = 0xFFF0FFF0};
  const Mailbox mailbox(firmware.tags(), firmware.commands());
  const Tree tree;
  CHECK(Throttling(tree.root(), mailbox).Read() == false);
}

}  // namespace
}  // namespace batchsweep
