#include "platform/sensors.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <functional>
#include <span>
#include <vector>

#include "platform/clock.h"
#include "platform/cpu.h"
#include "platform/file.h"
#include "platform/linux/mailbox.h"
#include "platform/linux/power.h"
#include "platform/linux/sysfs.h"
#include "platform/memory.h"
#include "platform/system.h"
#include "tests/board_trees.h"
#include "tests/paths.h"
#include "tests/temp_dir.h"

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
        Expected{MakeJetsonOrinNano, 47.5, 1.5104e9, false, 5.072 * 0.968},
        Expected{MakeJetsonAgxOrin, 44.0, 2.2016e9, std::nullopt,
                 5.072 * (0.968 + 0.978 + 0.988)},
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

// In the place of a file, a folder: opening succeeds and reading fails, as with
// a sensor whose block is off (EAGAIN) or that the bus does not answer for.
void MakeUnreadable(Tree& tree, const std::string& file) {
  std::filesystem::remove(tree.root() / file);
  std::filesystem::create_directories(tree.root() / file);
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
    MakeUnreadable(tree, reader.file);
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

TEST_CASE("a sum with a part missing is no sum", "[sensors]") {
  Tree tree;
  MakeJetsonAgxXavier(tree);
  Sensors sensors(tree.root());
  CHECK(sensors.Read(1).power_watts.has_value());
  tree.Add("sys/bus/i2c/drivers/ina3221/1-0041/hwmon/hwmon3/curr2_input", "");
  CHECK_FALSE(sensors.Read(2).power_watts);
}

TEST_CASE("RAPL's energy becomes a mean power between readings", "[sensors]") {
  constexpr int64_t kSecond = 1'000'000'000;
  Tree tree;
  MakeLaptop(tree);
  const std::string counter = "sys/class/powercap/intel-rapl:0/energy_uj";
  Sensors sensors(tree.root());
  CHECK(sensors.Sources().energy_grade == EnergyGrade::kPackageCounter);
  CHECK(sensors.Sources().power == "package-0 by RAPL, not the whole PC");
  const auto read = [&](double seconds, const char* energy_uj) {
    tree.Add(counter, std::string(energy_uj) + "\n");
    return sensors
        .Read(static_cast<int64_t>(seconds * static_cast<double>(kSecond)))
        .power_watts;
  };
  CHECK_FALSE(read(10, "123456789"));  // the first: since when?
  CHECK_THAT(read(10.5, "128456789").value(), WithinRel(10.0, 1e-9));
  // 4,000,000 up to the range, and 1,000,000 from 0.
  CHECK_THAT(read(11, "262139328850").value(), WithinRel(524021.744122, 1e-6));
  CHECK_THAT(read(12, "1000000").value(), WithinRel(5.0, 1e-9));
  // It stands still: 0 W for less than a second, then not believed.
  CHECK(read(12.5, "1000000") == 0.0);
  CHECK_FALSE(read(13, "1000000"));
  CHECK_FALSE(read(14, "1000000"));
  CHECK_THAT(read(15, "9000000").value(), WithinRel(8.0, 1e-9));
  CHECK_FALSE(read(16, "lots"));
  CHECK_FALSE(read(17, "12000000"));  // nothing to compare with
  CHECK_THAT(read(18, "15000000").value(), WithinRel(3.0, 1e-9));
}

TEST_CASE("without its range a counter that wraps is absent once",
          "[sensors]") {
  Tree tree;
  MakeLaptop(tree);
  std::filesystem::remove(
      tree.root() / "sys/class/powercap/intel-rapl:0/max_energy_range_uj");
  RaplPackages packages(tree.root());
  const std::string counter = "sys/class/powercap/intel-rapl:0/energy_uj";
  packages.Read(1'000'000'000);
  tree.Add(counter, "5\n");
  CHECK_FALSE(packages.Read(2'000'000'000));
  tree.Add(counter, "1000005\n");
  CHECK_THAT(packages.Read(3'000'000'000).value(), WithinRel(1.0, 1e-9));
}

// A firmware that answers as documented.
struct Firmware {
  uint32_t throttled = 0x50000;
  uint32_t clock_hz = 1'500'398'464;
  std::string rails;
  bool broken = false;
  std::vector<uint32_t> tags_asked;

  bool AnswerTag(std::span<uint32_t> words) {
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

  bool AnswerCommand(std::span<uint32_t> words) {
    if (broken) return false;
    REQUIRE(words[2] == 0x00030080);
    REQUIRE(words[0] == words.size_bytes());
    auto* text = reinterpret_cast<char*>(&words[6]);
    const std::string command = text;
    std::string answer;
    if (command == "get_throttled") {
      answer = std::format("throttled={:#x}\n", throttled);
    } else if (command == "measure_clock arm") {
      answer = std::format("frequency(48)={}\n", clock_hz);
    } else if (command == "pmic_read_adc") {
      answer = rails;
    } else {
      answer = "error=1 error_msg=\"Command not registered\"";
    }
    std::ranges::copy(answer + '\0', text);
    words[1] = words[4] = 0x80000000;
    words[5] = 0;
    return true;
  }

  Mailbox::Transfer tags() {
    return [this](std::span<uint32_t> words) { return AnswerTag(words); };
  }
  Mailbox::Transfer commands() {
    return [this](std::span<uint32_t> words) { return AnswerCommand(words); };
  }
};

// The form of `vcgencmd pmic_read_adc`, shortened.
constexpr const char* kRails =
    "   3V7_WL_SW_A current(0)=0.10000000A\n"
    "     3V3_SYS_A current(1)=0.20000000A\n"
    "    VDD_CORE_A current(7)=2.00000000A\n"
    "   3V7_WL_SW_V volt(8)=3.70000000V\n"
    "     3V3_SYS_V volt(9)=3.30000000V\n"
    "    VDD_CORE_V volt(15)=0.80000000V\n"
    "       EXT5V_V volt(24)=5.10000000V\n"
    "        BATT_V volt(25)=0.00000000V\n";

TEST_CASE("the mailbox tells throttling, clock and rails", "[sensors]") {
  Firmware firmware{.rails = kRails};
  const Mailbox mailbox(firmware.tags(), firmware.commands());
  CHECK(mailbox.ThrottleWord() == 0x50000u);
  CHECK(mailbox.CpuFrequencyHz() == 1'500'398'464.0);
  CHECK_THAT(mailbox.RailsWatts().value(), WithinRel(0.37 + 0.66 + 1.6, 1e-9));
  CHECK(firmware.tags_asked == std::vector<uint32_t>{0x30046, 0x30047});
}

TEST_CASE("where only commands are allowed the mailbox tells the same",
          "[sensors]") {
  Firmware firmware{.throttled = 0x50005, .rails = kRails};
  const Mailbox mailbox({}, firmware.commands());
  CHECK(mailbox.ThrottleWord() == 0x50005u);
  CHECK(mailbox.CpuFrequencyHz() == 1'500'398'464.0);
  CHECK(mailbox.RailsWatts().has_value());
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
  // Another Pi's firmware knows no such command.
  Firmware older;
  older.rails = "error=1 error_msg=\"Command not registered\"";
  CHECK_FALSE(Mailbox(older.tags(), older.commands()).RailsWatts());
  const Tree tree;
  CHECK_FALSE(Mailbox::Open(tree.root()).ThrottleWord());
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
    const SensorReading want = board.Read(1), got = captured.Read(1);
    CHECK(got.cpu_temp_celsius == want.cpu_temp_celsius);
    CHECK(got.cpu_freq_hz == want.cpu_freq_hz);
    CHECK(got.throttled == want.throttled);
    CHECK(got.power_watts == want.power_watts);
    CHECK(got.over_current_events == want.over_current_events);
    CHECK(DescribeSystem(copy).board == DescribeSystem(tree.root()).board);
    CHECK(DescribeSystem(copy).power_mode ==
          DescribeSystem(tree.root()).power_mode);
    CHECK(TotalMemoryBytes(copy) == TotalMemoryBytes(tree.root()));
  }
}

TEST_CASE("keyed numbers are found by their whole key", "[sensors]") {
  const TempDir folder;
  const auto file =
      folder.Write("status", "VmRSSish:\t1 kB\nVmRSS:\t  204 kB\nVmHWM:\tx\n");
  CHECK(sysfs::ReadKeyedInteger(file, "VmRSS") == 204);
  CHECK_FALSE(sysfs::ReadKeyedInteger(file, "VmHWM"));
  CHECK_FALSE(sysfs::ReadKeyedInteger(file, "VmSwap"));
  CHECK_FALSE(sysfs::ReadKeyedInteger(folder.path() / "none", "VmRSS"));
}

TEST_CASE("the process knows its own memory", "[platform]") {
  const ProcessMemory before = ReadProcessMemory();
  REQUIRE(before.rss_bytes);
  REQUIRE(before.peak_rss_bytes);
  constexpr int64_t kBlock = 64 << 20;
  {
    const AlignedBlock block = AllocateAligned(kBlock).value();
  }
  CHECK(*ReadProcessMemory().peak_rss_bytes >= *before.rss_bytes + kBlock / 2);
#ifndef BATCHSWEEP_SANITIZED  // which keeps freed memory for a while
  if (ResetPeakRss()) {
    CHECK(*ReadProcessMemory().peak_rss_bytes < *before.rss_bytes + kBlock / 2);
  }
#endif
  CHECK(AvailableMemoryBytes().value_or(1) > 0);
}

TEST_CASE("too large an allocation is an error, not an end", "[platform]") {
  const auto block = AllocateAligned(int64_t{1} << 60);
  REQUIRE_FALSE(block);
  CHECK(block.error().message.contains("cannot allocate"));
}

TEST_CASE("the clock goes forward and knows its tick", "[platform]") {
  const int64_t start_ns = MonotonicNs();
  const ClockProperties clock = MeasureClock();
  CHECK(MonotonicNs() > start_ns);
  CHECK(clock.tick_ns >= 1);
  CHECK(clock.cost_ns > 0);
  CHECK(UtcNow().size() == std::string("2026-01-31T12:00:00Z").size());
}

TEST_CASE("there is at least one core to use", "[platform]") {
  CHECK(UsableCores() >= 1);
  const Cpu cpu = DetectCpu().value();
  CHECK(cpu.usable_cores >= 1);
  CHECK(cpu.usable_cores <= cpu.cores);
}

}  // namespace
}  // namespace batchsweep
