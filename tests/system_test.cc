#include "platform/system.h"

#include <grp.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "platform/linux/board_sensors.h"
#include "platform/memory.h"
#include "tests/board_trees.h"

namespace batchsweep {
namespace {

constexpr auto kMake = {MakePi3,
                        MakePi4,
                        MakePi5,
                        MakeJetsonNano,
                        MakeJetsonXavierNx,
                        MakeJetsonOrinNano,
                        MakeLaptop};

// For files that exist: readable by no one but the group, if that has a name.
auto Closed(const std::string& group) {
  return [group](const std::filesystem::path& file) {
    const bool exists = std::filesystem::exists(file);
    return FileAccess{.exists = exists, .group = exists ? group : ""};
  };
}

FileAccess Open(const std::filesystem::path& file) {
  const bool exists = std::filesystem::exists(file);
  return {.exists = exists, .readable = exists};
}

SensorStatus Find(const std::vector<SensorStatus>& sensors,
                  const std::string& name) {
  for (const SensorStatus& sensor : sensors) {
    if (sensor.name == name) return sensor;
  }
  return {.name = "not found"};
}

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
        {MakeJetsonOrinNano,
         "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit",
         "tegra234"},
        {MakeLaptop, "Latitude 7440", std::nullopt}}) {
    Tree tree;
    expected.make(tree);
    const SystemInfo system = DescribeSystem(tree.root());
    CHECK(system.board == expected.board);
    CHECK(system.soc == expected.soc);
  }
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

TEST_CASE("what is open needs no command, and what is not has one",
          "[sensors][system]") {
  for (const auto make : kMake) {
    Tree tree;
    make(tree);
    for (const SensorStatus& sensor : DescribeBoardSensors(tree.root(), Open)) {
      INFO(sensor.name << ": " << sensor.detail);
      CHECK((sensor.name == "counters" || !sensor.remedy));
      CHECK((!sensor.readable || !sensor.remedy));
    }
  }
}

TEST_CASE("boards without a power sensor say so by name", "[sensors][system]") {
  Tree pi4, empty;
  MakePi4(pi4);
  const auto power = Find(DescribeBoardSensors(pi4.root(), Open), "power");
  CHECK_FALSE(power.readable);
  CHECK_FALSE(power.remedy);
  CHECK(power.detail ==
        "a Raspberry Pi 4 Model B Rev 1.4 has no power sensor; use a meter at "
        "the plug");
  for (const SensorStatus& none : DescribeBoardSensors(empty.root(), Open)) {
    CHECK_FALSE(none.readable);
    CHECK_FALSE(none.remedy);
  }
}

TEST_CASE("a closed mailbox is opened by its group or a rule of its own",
          "[sensors][system]") {
  Tree tree;
  MakePi5(tree);
  for (const char* name : {"mailbox", "power"}) {
    const auto by_group =
        Find(DescribeBoardSensors(tree.root(), Closed("video")), name);
    CHECK_FALSE(by_group.readable);
    CHECK(by_group.remedy == "sudo usermod -aG video $USER");
    for (const char* group : {"", "root"}) {
      const auto by_rule =
          Find(DescribeBoardSensors(tree.root(), Closed(group)), name);
      REQUIRE(by_rule.remedy);
      CHECK(by_rule.remedy->starts_with(
          "echo 'KERNEL==\"vcio\", GROUP=\"video\", MODE=\"0660\"' | sudo tee "
          "/etc/udev/rules.d/99-vcio.rules && "));
    }
  }
  // A kernel may open to vcgencmd only.
  tree.Add("dev/vcio_gencmd", "");
  const auto half = [](const std::filesystem::path& file) {
    return file.filename() == "vcio" ? Closed("root")(file) : Open(file);
  };
  CHECK(Find(DescribeBoardSensors(tree.root(), half), "mailbox")
            .detail.starts_with("/dev/vcio_gencmd"));
}

TEST_CASE("closed power counters name the files to open", "[sensors][system]") {
  struct Expected {
    void (*make)(Tree&);
    const char* remedy;
  };
  for (const Expected& expected :
       {Expected{MakeJetsonNano,
                 "sudo chmod a+r /sys/bus/i2c/drivers/ina3221x/6-0040/"
                 "iio:device0/rail_name_* /sys/bus/i2c/drivers/ina3221x/"
                 "6-0040/iio:device0/*_input"},
        {MakeJetsonOrinNano,
         "sudo chmod a+r /sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/"
         "in*_label /sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/*_input"},
        {MakeLaptop,
         "sudo chmod a+r /sys/class/powercap/intel-rapl:0/energy_uj"}}) {
    Tree tree;
    expected.make(tree);
    const auto power =
        Find(DescribeBoardSensors(tree.root(), Closed("")), "power");
    CHECK_FALSE(power.readable);
    CHECK(power.remedy == expected.remedy);
  }
}

TEST_CASE("a Jetson's power is its input, or a known sum",
          "[sensors][system]") {
  const auto power_of = [](void (*make)(Tree&)) {
    Tree tree;
    make(tree);
    return Find(DescribeBoardSensors(tree.root(), Open), "power").detail;
  };
  CHECK(power_of(MakeJetsonNano) == "POM_5V_IN of an INA3221");
  CHECK(power_of(MakeJetsonXavierNx) == "VDD_IN of an INA3221");
  CHECK(power_of(MakeJetsonOrinNano) == "VDD_IN of an INA3221");
  CHECK(power_of(MakeJetsonAgxXavier) ==
        "GPU + CPU + SOC + CV + VDDRQ + SYS5V of an INA3221");
  CHECK(power_of(MakeJetsonAgxOrin) ==
        "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0 of an INA3221");
  CHECK(power_of([](Tree& tree) {
          tree.Add("proc/device-tree/compatible", "nvidia,tegra999");
          const std::string folder =
              "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1/";
          tree.Add(folder + "in1_label", "VDD_NEW\n")
              .Add(folder + "in1_input", "5000\n")
              .Add(folder + "curr1_input", "100\n");
        }).starts_with("an INA3221 has VDD_NEW, of which no sum"));
  Tree bare;  // a Jetson Nano 2GB
  bare.Add("proc/device-tree/compatible", "nvidia,tegra210");
  CHECK(Find(DescribeBoardSensors(bare.root(), Open), "power")
            .detail.starts_with("no INA3221"));
}

TEST_CASE("event counters need a low perf_event_paranoid",
          "[sensors][system]") {
  Tree pi4, laptop;
  MakePi4(pi4);
  CHECK(Find(DescribeBoardSensors(pi4.root(), Open), "counters").readable);
  MakeLaptop(laptop);
  const auto closed =
      Find(DescribeBoardSensors(laptop.root(), Open), "counters");
  CHECK_FALSE(closed.readable);
  CHECK(closed.detail.starts_with("kernel.perf_event_paranoid is 4"));
  CHECK(closed.remedy == "sudo sysctl kernel.perf_event_paranoid=2");
}

TEST_CASE("who may read a file is told from the file", "[sensors][system]") {
  const TempDir folder;
  CHECK_FALSE(ProbeFile(folder.path() / "none").exists);
  const auto file = folder.Write("file", "");
  std::filesystem::permissions(file, std::filesystem::perms::group_read |
                                         std::filesystem::perms::owner_read);
  CHECK(ProbeFile(file).exists);
  CHECK(ProbeFile(file).readable);
  const group* own = getgrgid(getegid());
  CHECK(ProbeFile(file).group == (own != nullptr ? own->gr_name : ""));
  std::filesystem::permissions(file, std::filesystem::perms::none);
  CHECK(ProbeFile(file).exists);
  CHECK(ProbeFile(file).group.empty());
}

}  // namespace
}  // namespace batchsweep
