#include "platform/sensors.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "measure/board_state.h"
#include "platform/file.h"
#include "platform/memory.h"
#include "platform/system.h"
#include "tests/board_trees.h"
#include "tests/paths.h"
#include "tests/temp_dir.h"
#include "util/fields.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinRel;

TEST_CASE("a machine without sensors gives no reading at all", "[sensors]") {
  const Tree tree;
  Sensors sensors(tree.root());
  const SensorReading reading = sensors.Read(1);
  CHECK_FALSE(reading.cpu_temp_celsius);
  CHECK_FALSE(reading.cpu_freq_hz);
  CHECK_FALSE(reading.throttled);
  CHECK_FALSE(reading.power_watts);
  CHECK_FALSE(reading.over_current_events);
  const SensorSources sources = sensors.Sources();
  CHECK(sources.frequency.empty());
  CHECK_FALSE(sources.max_freq_hz);
  CHECK(sources.energy_grade == EnergyGrade::kNone);
  CHECK(sources.power.empty());
  CHECK(std::ranges::none_of(sensors.Describe(), &SensorStatus::readable));
}

// What each board's tree gives; power where its file does without two readings.
TEST_CASE("every board's sensors are read in their units", "[sensors]") {
  struct Expected {
    void (*make)(Tree&);
    double celsius;
    double max_freq_hz;
    std::optional<bool> throttled;
    std::optional<double> watts;
  };
  for (const Expected& expected :
       {Expected{MakePi3, 48.312, 1.4e9, false, std::nullopt},
        Expected{MakePi4, 48.312, 1.8e9, false, std::nullopt},
        // An under-voltage alarm that is not raised does not say "no".
        Expected{MakePi5, 48.312, 2.4e9, std::nullopt, std::nullopt},
        Expected{MakeJetsonNano, 33.5, 1.479e9, std::nullopt, 1.9},
        Expected{MakeJetsonXavierNx, 41.0, 1.4208e9, std::nullopt,
                 5.072 * 0.968},
        Expected{MakeJetsonAgxXavier, 39.0, 2.2656e9, std::nullopt,
                 2 * 5.072 * (0.968 + 0.978 + 0.988)},
        Expected{MakeJetsonOrinNano, 47.5, 1.5104e9, false, 4.90 * 1.05},
        Expected{MakeJetsonAgxOrin, 44.0, 2.2016e9, std::nullopt,
                 19.98 * (0.24 + 0.08) + 5.06 * 0.74},
        Expected{MakeLaptop, 55.0, 4.7e9, std::nullopt, std::nullopt}}) {
    Tree tree;
    expected.make(tree);
    Sensors sensors(tree.root());
    const SensorReading reading = sensors.Read(1);
    INFO(ReadFile(tree.root() / "proc/device-tree/model").value_or("a laptop"));
    CHECK(reading.cpu_temp_celsius == expected.celsius);
    CHECK(reading.cpu_freq_hz == expected.max_freq_hz);
    CHECK(reading.throttled == expected.throttled);
    CHECK(reading.power_watts.has_value() == expected.watts.has_value());
    if (expected.watts) {
      CHECK_THAT(reading.power_watts.value(), WithinRel(*expected.watts, 1e-9));
    }
    const SensorSources sources = sensors.Sources();
    CHECK(sources.max_freq_hz == expected.max_freq_hz);
    CHECK(sources.frequency == "asked for by the kernel (scaling_cur_freq)");
    CHECK_FALSE(sources.frequency_is_measured);
    CHECK((sources.energy_grade == EnergyGrade::kBoardRails) ==
          expected.watts.has_value());
  }
}

// Takes the names of the readings that are there out of `missing`.
template <auto... kMembers>
void StrikeTold(GroupList<kMembers...>, const SensorReading& reading,
                std::set<std::string_view>& missing) {
  (..., ((reading.*kMembers).has_value() ? missing.erase(FieldName<kMembers>())
                                         : 0));
}

template <auto... kMembers>
std::set<std::string_view> Names(GroupList<kMembers...>) {
  return {FieldName<kMembers>()...};
}

// One that no board tells would be a member that no sensor reads.
TEST_CASE("each reading is told by one of the boards", "[sensors]") {
  constexpr auto kReadings =
      decltype(BoardState::Merge())::ReadsOf<SensorReading>();
  std::set<std::string_view> missing = Names(kReadings);
  for (const auto make : {MakePi4, MakeJetsonNano, MakeJetsonOrinNano}) {
    Tree tree;
    make(tree);
    StrikeTold(kReadings, Sensors(tree.root()).Read(1), missing);
  }
  for (const std::string_view name : missing) FAIL_CHECK(name);
}

TEST_CASE("the CPU's zone is found by its type, a fan is no throttling",
          "[sensors]") {
  Tree tree;
  tree.Add("sys/class/thermal/thermal_zone0/type", "PMIC-Die\n")
      .Add("sys/class/thermal/thermal_zone0/temp", "100000\n")
      .Add("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n")
      .Add("sys/class/thermal/thermal_zone1/temp", "51000\n")
      .Add("sys/class/thermal/cooling_device0/type", "pwm-fan\n")
      .Add("sys/class/thermal/cooling_device0/cur_state", "3\n")
      .Add("sys/class/thermal/cooling_device1/type", "cpu-throttle-alert\n")
      .Add("sys/class/thermal/cooling_device1/cur_state", "0\n");
  Sensors sensors(tree.root());
  CHECK(sensors.Read(1).cpu_temp_celsius == 51.0);
  CHECK(sensors.Read(2).throttled == false);
  tree.Add("sys/class/thermal/cooling_device1/cur_state", "1\n");
  CHECK(sensors.Read(3).throttled == true);
}

TEST_CASE("PCs without a zone have the temperature of their driver",
          "[sensors]") {
  for (const char* name : {"coretemp", "k10temp"}) {
    Tree tree;
    tree.Add("sys/class/hwmon/hwmon0/name", "nvme\n")
        .Add("sys/class/hwmon/hwmon0/temp1_input", "30000\n")
        .Add("sys/class/hwmon/hwmon2/name", std::string(name) + "\n")
        .Add("sys/class/hwmon/hwmon2/temp1_input", "61500\n");
    CHECK(Sensors(tree.root()).Read(1).cpu_temp_celsius == 61.5);
  }
}

TEST_CASE("the frequency is that of the cores at work, measured if it can be",
          "[sensors]") {
  Tree tree;
  const std::string policies = "sys/devices/system/cpu/cpufreq/";
  tree.Add(policies + "policy0/scaling_cur_freq", "600000\n")
      .Add(policies + "policy0/scaling_max_freq", "1500000\n")
      .Add(policies + "policy4/scaling_cur_freq", "1400000\n")
      .Add(policies + "policy4/scaling_max_freq", "1500000\n")
      // Root may read it; a Xavier is busy for as long as it takes.
      .Add(policies + "policy4/cpuinfo_cur_freq", "1\n");
  CHECK(Sensors(tree.root()).Read(1).cpu_freq_hz == 1.4e9);
  tree.Add(policies + "policy0/cpuinfo_avg_freq", "590000\n")
      .Add(policies + "policy4/cpuinfo_avg_freq", "1310000\n");
  Sensors measured(tree.root());
  CHECK(measured.Read(1).cpu_freq_hz == 1.31e9);
  CHECK(measured.Sources().frequency_is_measured);
}

TEST_CASE("throttling that came and went between two readings is told",
          "[sensors]") {
  Tree tree;
  MakePi4(tree);
  const std::string word =
      "sys/devices/platform/soc/soc:firmware/get_throttled";
  Sensors sensors(tree.root());
  // 0x50000 says that it was throttled before we began.
  CHECK(sensors.Read(1).throttled == false);
  tree.Add(word, "50005\n");
  CHECK(sensors.Read(2).throttled == true);
  tree.Add(word, "50000\n");
  CHECK(sensors.Read(3).throttled == false);
  tree.Add(word, "70000\n");  // it was capped meanwhile
  CHECK(sensors.Read(4).throttled == true);
  CHECK(sensors.Read(5).throttled == false);
  tree.Add(word, "0\n");  // the kernel cleared them
  CHECK(sensors.Read(6).throttled == false);
  tree.Add(word, "what\n");
  CHECK_FALSE(sensors.Read(7).throttled);
}

TEST_CASE("an under-voltage alarm says yes or nothing", "[sensors]") {
  Tree tree;
  MakePi5(tree);  // whose kernel has no word
  Sensors sensors(tree.root());
  CHECK_FALSE(sensors.Read(1).throttled);
  tree.Add("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
  CHECK(sensors.Read(2).throttled == true);
}

TEST_CASE("over-current events are counted and are no throttling",
          "[sensors]") {
  Tree tree;
  MakeJetsonOrinNano(tree);
  Sensors sensors(tree.root());
  CHECK(sensors.Read(1).over_current_events == 6000);
  tree.Add("sys/class/hwmon/hwmon5/oc3_event_cnt", "30390\n");
  CHECK(sensors.Read(2).over_current_events == 33'390);
  CHECK(sensors.Read(3).throttled == false);
  tree.Add("sys/class/hwmon/hwmon5/oc3_event_cnt", "many\n");
  CHECK_FALSE(sensors.Read(4).over_current_events);
}

TEST_CASE("a file that vanishes, fails or holds garbage is an absent reading",
          "[sensors]") {
  const std::string zone = "sys/class/thermal/thermal_zone0/temp";
  const std::string rail = "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/";
  const auto celsius = [](const SensorReading& reading) {
    return reading.cpu_temp_celsius.has_value();
  };
  const auto hertz = [](const SensorReading& reading) {
    return reading.cpu_freq_hz.has_value();
  };
  const auto watts = [](const SensorReading& reading) {
    return reading.power_watts.has_value();
  };
  const auto throttled = [](const SensorReading& reading) {
    return reading.throttled.has_value();
  };
  struct Reader {
    std::string file;
    std::function<bool(const SensorReading&)> has;
  };
  for (const Reader& reader :
       {Reader{zone, celsius},
        Reader{"sys/class/thermal/cooling_device2/cur_state", throttled},
        Reader{rail + "in1_input", watts},
        Reader{rail + "curr1_input", watts}}) {
    INFO(reader.file);
    Tree tree;
    MakeJetsonOrinNano(tree);
    std::filesystem::remove_all(tree.root() /
                                "sys/class/thermal/cooling_device3");
    Sensors sensors(tree.root());
    REQUIRE(reader.has(sensors.Read(1)));
    for (const char* garbage :
         {"", "hot\n", "-\n", "0x\n", "99999999999999999999\n"}) {
      tree.Add(reader.file, garbage);
      CHECK_FALSE(reader.has(sensors.Read(2)));
    }
    std::filesystem::remove(tree.root() / reader.file);
    CHECK_FALSE(reader.has(sensors.Read(3)));
    tree.AddUnreadable(reader.file);
    CHECK_FALSE(reader.has(sensors.Read(4)));
    std::filesystem::remove(tree.root() / reader.file);
    tree.Add(reader.file, "1\n");  // and back again
    CHECK(reader.has(sensors.Read(5)));
  }
  Tree tree;
  MakeJetsonOrinNano(tree);
  Sensors sensors(tree.root());
  std::filesystem::remove_all(tree.root() / "sys/devices");
  CHECK_FALSE(hertz(sensors.Read(1)));
}

std::string DescriptionOf(Sensors& sensors) {
  std::string text;
  for (const SensorStatus& status : sensors.Describe()) {
    text += std::format("{} {} {} {}\n", status.name, status.readable,
                        status.detail, status.remedy.value_or(""));
  }
  return text;
}

TEST_CASE("a captured board reads as the board itself", "[sensors]") {
  const auto script =
      TestData().parent_path().parent_path() / "tools" / "capture_sysfs.sh";
  if (!std::filesystem::exists(script)) SKIP("the sources are not here");
  for (const auto make : {MakePi3, MakePi4, MakePi5, MakeJetsonNano,
                          MakeJetsonXavierNx, MakeJetsonAgxXavier,
                          MakeJetsonOrinNano, MakeJetsonAgxOrin, MakeLaptop}) {
    Tree tree;
    make(tree);
    const TempDir folder;
    const auto copy = folder.path() / "copy";
    REQUIRE(std::system(std::format("{} {} {} >/dev/null", script.string(),
                                    copy.string(), tree.root().string())
                            .c_str()) == 0);
    Sensors board(tree.root()), captured(copy);
    CHECK(DescriptionOf(captured) == DescriptionOf(board));
    CHECK(captured.Read(1) == board.Read(1));
    CHECK(DescribeSystem(copy).board == DescribeSystem(tree.root()).board);
    CHECK(DescribeSystem(copy).power_mode ==
          DescribeSystem(tree.root()).power_mode);
    CHECK(TotalMemoryBytes(copy) == TotalMemoryBytes(tree.root()));
  }
}

}  // namespace
}  // namespace batchsweep
