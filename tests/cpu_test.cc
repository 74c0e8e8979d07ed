#include "platform/cpu.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "platform/linux/cpu_names.h"

namespace batchsweep {
namespace {

// /proc/cpuinfo of real boards, from cpuinfo/ of ThomasKaiser/sbc-bench: the
// file, what it says of a core, what the device tree calls the chip, what
// cpuinfo makes of the file, and what `info` is to say.
struct Recorded {
  const char* file;
  uint32_t implementer, variant, part, revision;
  const char* soc;
  const char* cpuinfo_name;
  const char* core_name;
  const char* model_name;
};
constexpr Recorded kRecorded[] = {
    // Raspberry Pi Zero 2, with a 32-bit kernel
    {"BCM2710A1_RP3A0-5.10.63-v7", 0x41, 0, 0xd03, 4, "bcm2837",
     "Broadcom BCM2837", "Cortex-A53", "Broadcom BCM2837"},
    // Raspberry Pi 3, with a 32-bit kernel, the only one not of BCM2835
    {"BCM2837_BCM2709-4.1.19-v7", 0x41, 0, 0xd03, 4, "bcm2837",
     "Broadcom BCM2837", "Cortex-A53", "Broadcom BCM2837"},
    // Raspberry Pi 3 Model B Plus
    {"BCM2387B0-5.16.7-bcm2711", 0x41, 0, 0xd03, 4, "bcm2837",
     "Broadcom BCM2837", "Cortex-A53", "Broadcom BCM2837"},
    // Raspberry Pi 4 Model B
    {"BCM2711B0-5.10.78-v8", 0x41, 0, 0xd08, 3, "bcm2711", "Broadcom BCM2711",
     "Cortex-A72", "Broadcom BCM2711"},
    // Raspberry Pi 5 Model B, which says BCM2835 as well
    {"BCM2712-6.1.47", 0x41, 4, 0xd0b, 1, "bcm2712", "Broadcom BCM2835",
     "Cortex-A76", "bcm2712"},
    {"Nvidia-Jetson-Nano-4.9.253-tegra", 0x41, 1, 0xd07, 1, "tegra210",
     "Unknown", "Cortex-A57", "tegra210"},
    {"NVidia-Tegra-Xavier-4.9.253-tegra", 0x4e, 0, 0x004, 0, "tegra194",
     "Unknown", "Carmel", "tegra194"},
    {"Nvidia-Jetson-AGX-Orin-5.10.65-tegra", 0x41, 0, 0xd42, 1, "tegra234",
     "Unknown", "Cortex-A78AE", "tegra234"},
    {"Nvidia_Jetson_Orin_NX-5.15.148-tegra", 0x41, 0, 0xd42, 1, "tegra234",
     "Unknown", "Cortex-A78AE", "tegra234"},
};

TEST_CASE("each recorded board's cores and chip are called by their names",
          "[cpu]") {
  for (const Recorded& board : kRecorded) {
    INFO(board.file);
    const uint32_t midr = board.implementer << 24 | board.variant << 20 |
                          0xfu << 16 | board.part << 4 | board.revision;
    CHECK(ArmCoreName(midr) == board.core_name);
    CHECK(CpuModelName(board.cpuinfo_name, board.soc) == board.model_name);
  }
}

TEST_CASE("a core or chip that is not known is not called by another's name",
          "[cpu]") {
  CHECK_FALSE(ArmCoreName(0));
  CHECK_FALSE(ArmCoreName(0x410fffff));  // Arm's, of a part to come
  CHECK_FALSE(ArmCoreName(0x4e0fd034));  // Cortex-A53's part, of another maker
  CHECK(CpuModelName("Intel Xeon", {}) == "Intel Xeon");
  CHECK(CpuModelName("", {}) == "unknown");
  CHECK(CpuModelName("Unknown", {}) == "unknown");
  CHECK(CpuModelName("", "rk3588") == "rk3588");
}

// As the recorded Features have them: asimd (or neon and vfpv4) in all, asimdhp
// from the Cortex-A76 on and in Carmel, asimddp from the Cortex-A76 on.
TEST_CASE("an emulated core has the features that boards with it record",
          "[cpu]") {
  const std::vector<std::string> plain = {"NEON", "FMA"};
  const std::vector<std::string> newer = {"NEON", "FMA", "fp16 arithmetic",
                                          "dotprod"};
  const std::map<std::string, std::vector<std::string>> features = {
      {"cortex-a7", plain},
      {"cortex-a53", plain},
      {"cortex-a57", plain},
      {"cortex-a72", plain},
      {"cortex-a76", newer}};
  const char* core = std::getenv("QEMU_CPU");
  if (core == nullptr || !features.contains(core)) {
    SKIP("QEMU_CPU names no board's core");
  }
  CHECK(DetectCpu().value().features == features.at(core));
}

}  // namespace
}  // namespace batchsweep
