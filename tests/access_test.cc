// What `batchsweep info` says of sensors that not everybody may read.
#include <grp.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "platform/linux/board_sensors.h"
#include "tests/board_trees.h"
#include "tests/firmware.h"
#include "tests/temp_dir.h"

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

std::vector<SensorStatus> Described(
    const Tree& tree,
    const std::function<FileAccess(const std::filesystem::path&)>& probe) {
  Board board = OpenBoard(tree.root());
  board.probe = probe;
  return BoardSensors(std::move(board)).Describe();
}

SensorStatus Find(const std::vector<SensorStatus>& sensors,
                  const std::string& name) {
  for (const SensorStatus& sensor : sensors) {
    if (sensor.name == name) return sensor;
  }
  return {.name = "not found"};
}

TEST_CASE("what is open needs no command, and what is not has one",
          "[sensors][system]") {
  for (const auto make : kMake) {
    Tree tree;
    make(tree);
    for (const SensorStatus& sensor : Described(tree, Open)) {
      INFO(sensor.name << ": " << sensor.detail);
      CHECK((sensor.name == "counters" || !sensor.remedy));
      CHECK((!sensor.readable || !sensor.remedy));
    }
  }
}

TEST_CASE("boards without a power sensor say so by name", "[sensors][system]") {
  Tree pi4, empty;
  MakePi4(pi4);
  const auto power = Find(Described(pi4, Open), "power");
  CHECK_FALSE(power.readable);
  CHECK_FALSE(power.remedy);
  CHECK(power.detail ==
        "a Raspberry Pi 4 Model B Rev 1.4 has no power sensor; use a meter at "
        "the plug");
  for (const SensorStatus& none : Described(empty, Open)) {
    CHECK_FALSE(none.readable);
    CHECK_FALSE(none.remedy);
  }
}

TEST_CASE("a closed mailbox is opened by its group or a rule of its own",
          "[sensors][system]") {
  Tree tree;
  MakePi5(tree);
  for (const char* name : {"mailbox", "power"}) {
    const auto by_group = Find(Described(tree, Closed("video")), name);
    CHECK_FALSE(by_group.readable);
    CHECK(by_group.remedy == "sudo usermod -aG video $USER");
    for (const char* group : {"", "root"}) {
      const auto by_rule = Find(Described(tree, Closed(group)), name);
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
  CHECK(Find(Described(tree, half), "mailbox")
            .detail.starts_with("/dev/vcio_gencmd"));
}

TEST_CASE("a Raspberry Pi 5's rails need a firmware that tells them",
          "[sensors][system]") {
  Tree tree;
  MakePi5(tree);
  Firmware firmware;
  const auto power = [&] {
    Board board = BoardWith(tree, firmware);
    board.probe = Open;
    return Find(BoardSensors(std::move(board)).Describe(), "power");
  };
  CHECK_FALSE(power().readable);
  CHECK(power().detail.starts_with("this firmware does not tell"));
  firmware.rails = PmicAnswer(LoadedPi5Rails(), '\0');
  CHECK(power().readable);
}

TEST_CASE("a power monitor that does not answer is not called readable",
          "[sensors][system]") {
  Tree tree;
  MakeJetsonAgxOrin(tree);
  CHECK(Find(Described(tree, Open), "power").readable);
  tree.AddUnreadable(
      "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/curr2_input");
  const auto power = Find(Described(tree, Open), "power");
  CHECK_FALSE(power.readable);
  CHECK(power.detail ==
        "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0 of an INA3221, which does not "
        "answer now; use a meter at the plug");
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
    const auto power = Find(Described(tree, Closed("")), "power");
    CHECK_FALSE(power.readable);
    CHECK(power.remedy == expected.remedy);
  }
}

TEST_CASE("a Jetson's power is its input, or a known sum",
          "[sensors][system]") {
  const auto power_of = [](void (*make)(Tree&)) {
    Tree tree;
    make(tree);
    return Find(Described(tree, Open), "power").detail;
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
  CHECK(Find(Described(bare, Open), "power").detail.starts_with("no INA3221"));
}

TEST_CASE("event counters need a low perf_event_paranoid",
          "[sensors][system]") {
  Tree pi4, laptop;
  MakePi4(pi4);
  CHECK(Find(Described(pi4, Open), "counters").readable);
  MakeLaptop(laptop);
  const auto closed = Find(Described(laptop, Open), "counters");
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
