#include "platform/linux/power.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <filesystem>
#include <string>

#include "platform/sensors.h"
#include "tests/board_trees.h"

namespace batchsweep {
namespace {

using Catch::Matchers::WithinRel;

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

}  // namespace
}  // namespace batchsweep
