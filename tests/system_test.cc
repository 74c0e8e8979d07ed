#include "platform/system.h"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "platform/memory.h"
#include "tests/board_trees.h"

namespace batchsweep {
namespace {

using std::string_view_literals::operator""sv;

TEST_CASE("each board's name and chip are read from its device tree",
          "[system]") {
  struct Expected {
    void (*make)(Tree&);
    const char* board;
    std::optional<std::string> soc;
  };
  for (const Expected& expected :
       {Expected{MakePi3, "Raspberry Pi 3 Model B Plus Rev 1.3", "bcm2837"},
        {MakePi4, "Raspberry Pi 4 Model B Rev 1.4", "bcm2711"},
        {MakePi5, "Raspberry Pi 5 Model B Rev 1.0", "bcm2712"},
        {MakeJetsonNano, "NVIDIA Jetson Nano Developer Kit", "tegra210"},
        {MakeJetsonXavierNx, "NVIDIA Jetson Xavier NX Developer Kit",
         "tegra194"},
        {MakeJetsonOrinNano, "NVIDIA Orin Nano Developer Kit", "tegra234"},
        {MakeJetsonAgxOrin, "NVIDIA Orin Jetson-Small Developer Kit",
         "tegra234"},
        {MakeLaptop, "Latitude 7440", std::nullopt}}) {
    Tree tree;
    expected.make(tree);
    const SystemInfo system = DescribeSystem(tree.root());
    CHECK(system.board == expected.board);
    CHECK(system.soc == expected.soc);
  }
}

TEST_CASE("a chip's family stands for it only where it is not named",
          "[system]") {
  const auto soc_of = [](std::string_view compatible) {
    Tree tree;
    tree.Add("proc/device-tree/compatible", compatible);
    return DescribeSystem(tree.root()).soc;
  };
  CHECK(soc_of("nvidia,kit\0nvidia,tegra234\0nvidia,tegra23x\0"sv) ==
        "tegra234");
  CHECK(soc_of("nvidia,kit\0nvidia,tegra23x\0"sv) == "tegra23x");
  CHECK(soc_of("maker,box\0maker,linux\0"sv) == "linux");
  CHECK(soc_of("plain\0"sv) == "plain");
}

TEST_CASE("cores that are clocked alike are one entry", "[system]") {
  Tree laptop, jetson, pi;
  MakeLaptop(laptop);
  const auto all = DescribeSystem(laptop.root()).clocking;
  REQUIRE(all.size() == 1);
  CHECK(all[0].cores == std::vector{0, 1, 2, 3});
  CHECK(all[0].governor == "powersave");
  CHECK(all[0].min_freq_hz == 4e8);
  CHECK(all[0].max_freq_hz == 4.7e9);
  MakeJetsonXavierNx(jetson);
  const auto two = DescribeSystem(jetson.root()).clocking;
  REQUIRE(two.size() == 2);
  CHECK(two[0].cores == std::vector{0, 1, 2, 3});
  CHECK(two[1].cores == std::vector{4, 5});
  CHECK(two[1].governor == "performance");
  CHECK(two[1].max_freq_hz == 1.4208e9);
  MakePi5(pi);
  CHECK(DescribeSystem(pi.root()).governor == "ondemand");
}

TEST_CASE("a Jetson's power mode is the chosen one, else the default",
          "[system]") {
  Tree nano, xavier, orin, pi;
  MakeJetsonNano(nano);
  CHECK(DescribeSystem(nano.root()).power_mode == "MAXN (0)");
  MakeJetsonXavierNx(xavier);  // not mode 1, whose number begins alike
  CHECK(DescribeSystem(xavier.root()).power_mode == "MODE_15W_6CORE (12)");
  MakeJetsonOrinNano(orin);
  CHECK(DescribeSystem(orin.root()).power_mode == "MAXN_SUPER (2)");
  MakePi5(pi);
  CHECK_FALSE(DescribeSystem(pi.root()).power_mode);
  // Modes that the configuration does not name, or that are no modes.
  orin.Add("var/lib/nvpmodel/status", "pmode:0007");
  CHECK(DescribeSystem(orin.root()).power_mode == "7");
  orin.Add("var/lib/nvpmodel/status", "pmode:fast");
  CHECK_FALSE(DescribeSystem(orin.root()).power_mode);
}

TEST_CASE("swap is told apart from RAM and from none", "[system]") {
  Tree pi, laptop, empty;
  MakePi3(pi);
  CHECK(TotalMemoryBytes(pi.root()) == 931'000 * 1024);
  CHECK(ReadSwap(pi.root()).total_bytes == 102'396 * 1024);
  CHECK(ReadSwap(pi.root()).used_bytes == 51'200 * 1024);
  MakeLaptop(laptop);
  CHECK(ReadSwap(laptop.root()).total_bytes == 0);
  CHECK(ReadSwap(laptop.root()).used_bytes == 0);
  CHECK_FALSE(ReadSwap(empty.root()).total_bytes);
  CHECK_FALSE(ReadSwap(empty.root()).used_bytes);
  CHECK(PageBytes() >= 4096);
}

TEST_CASE("a machine that tells nothing leaves everything absent", "[system]") {
  const Tree empty;
  const SystemInfo system = DescribeSystem(empty.root());
  CHECK_FALSE(system.board);
  CHECK_FALSE(system.soc);
  CHECK_FALSE(system.governor);
  CHECK_FALSE(system.power_mode);
  CHECK(system.clocking.empty());
  CHECK(system.c_library.size() > std::string("glibc ").size());
}

TEST_CASE("garbage in the system's files is absent, too", "[system]") {
  Tree tree;
  const std::string policy = "sys/devices/system/cpu/cpufreq/policy0/";
  tree.Add("proc/device-tree/compatible", "\0\0")
      .Add(policy + "affected_cpus", " ,0,,x 2 99999999999999 ")
      .Add(policy + "scaling_max_freq", "fast\n")
      .Add("etc/nvpmodel.conf", "< POWER_MODEL ID=\n< PM_CONFIG DEFAULT=")
      .Add("proc/meminfo", "SwapTotal: none\nSwapFree");
  const SystemInfo system = DescribeSystem(tree.root());
  CHECK_FALSE(system.soc);
  CHECK_FALSE(system.power_mode);
  REQUIRE(system.clocking.size() == 1);
  CHECK(system.clocking[0].cores == std::vector{0, 2});
  CHECK_FALSE(system.clocking[0].max_freq_hz);
  CHECK_FALSE(ReadSwap(tree.root()).total_bytes);
}

}  // namespace
}  // namespace batchsweep
