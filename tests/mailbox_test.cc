#include "platform/linux/mailbox.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

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
  CHECK_FALSE(SumOfRails("A_A current(0)=1e300A\nA_V volt(1)=1e300V\n"));
  CHECK_FALSE(SumOfRails("= =\n_A current(0\n  \nx"));
  CHECK_THAT(SumOfRails("B_V volt(1)=2.0V\nA_V volt(9)=3.0V\n"
                        "C_A current(4)=7A\nA_A current(3)=0.5A\n")
                 .value(),
             WithinRel(1.5, 1e-9));
}

}  // namespace
}  // namespace batchsweep
