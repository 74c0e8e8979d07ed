#include "cli/machine_report.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "tests/board_trees.h"

namespace batchsweep {
namespace {

Cpu Pi5Cpu() {
  return {.model_name = "bcm2712",
          .features = {"NEON", "FMA", "fp16 arithmetic", "dotprod"},
          .clusters = {{.cores = 4, .core_name = "Cortex-A76"}},
          .cores = 4,
          .usable_cores = 4};
}

std::string Fact(const MachineReport& report, const std::string& key) {
  for (const auto& [found, value] : report.facts) {
    if (found == key) return value;
  }
  return "no such fact";
}

TEST_CASE("info tells of a Raspberry Pi 5 what its files say", "[info]") {
  Tree tree;
  MakePi5(tree);
  const MachineReport report = DescribeMachine(Pi5Cpu(), tree.root());
  INFO(ReportText(report));
  CHECK(Fact(report, "board") == "Raspberry Pi 5 Model B Rev 1.0");
  CHECK(Fact(report, "soc") == "bcm2712");
  CHECK(Fact(report, "cores") == "4 cores: 4 Cortex-A76; 4 usable");
  CHECK(Fact(report, "features") == "NEON, FMA, fp16 arithmetic, dotprod");
  CHECK(Fact(report, "ram") == "7.9 GiB, 3.9 GiB available");
  CHECK(Fact(report, "swap") == "512 MiB, 0 B in use");
  CHECK(Fact(report, "governor") == "ondemand, 1500 to 2400 MHz");
  CHECK(Fact(report, "power_mode") == "none");
  const auto json = nlohmann::json::parse(ReportJson(report));
  CHECK(json["soc"] == "bcm2712");
  CHECK(json["sensors"]["temperature"]["readable"] == true);
  CHECK(json["sensors"]["counters"]["remedy"] ==
        "sudo sysctl kernel.perf_event_paranoid=2");
}

TEST_CASE("info tells clusters and cores clocked differently apart", "[info]") {
  Tree tree;
  MakeJetsonXavierNx(tree);
  Cpu cpu = Pi5Cpu();
  cpu.clusters = {{.cores = 4, .core_name = "Carmel"}, {.cores = 2}};
  cpu.cores = 6;
  const MachineReport report = DescribeMachine(cpu, tree.root());
  CHECK(Fact(report, "cores") == "6 cores in 2 clusters: 4 Carmel; 4 usable");
  CHECK(Fact(report, "governor") ==
        "cores 0-3: schedutil, 115 to 1421 MHz; cores 4-5: performance, 1421 "
        "to 1421 MHz");
  CHECK(Fact(report, "power_mode") == "MODE_15W_6CORE (12)");
}

TEST_CASE("info's lines fit 80 columns, but for commands", "[info]") {
  const std::string command = "sudo chmod a+r " + std::string(90, 'x');
  const MachineReport report = {
      .facts = {{"board", "x"}, {"governor", std::string(60, 'a') + " bb cc"}},
      .sensors = {{"power", false, "it is closed", command},
                  {"counters", false, "it has none"}}};
  CHECK(ReportText(report) ==
        "board        x\n"
        "governor     " +
            std::string(60, 'a') +
            " bb cc\n"
            "\n"
            "power        not readable: it is closed\n"
            "  " +
            command +
            "\n"
            "counters     none: it has none\n");
  const MachineReport longer = {
      .facts = {{"governor", std::string(63, 'a') + " bbb ccc"}},
      .sensors = {}};
  CHECK(ReportText(longer) ==
        "governor     " + std::string(63, 'a') + " bbb\n             ccc\n\n");
}

TEST_CASE("info of a machine that tells nothing is still whole", "[info]") {
  const Tree empty;
  const MachineReport report = DescribeMachine(Cpu(), empty.root());
  CHECK(Fact(report, "board") == "unknown");
  CHECK(Fact(report, "soc") == "none");
  CHECK(Fact(report, "cores") == "1 core; 1 usable");
  CHECK(Fact(report, "ram") == "unknown, unknown available");
  CHECK(Fact(report, "swap") == "unknown, unknown in use");
  CHECK(std::ranges::none_of(report.sensors, &SensorStatus::readable));
}

}  // namespace
}  // namespace batchsweep
