// What `batchsweep info` says of the machine, as text and as JSON.
#ifndef BATCHSWEEP_CLI_MACHINE_REPORT_H_
#define BATCHSWEEP_CLI_MACHINE_REPORT_H_

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "platform/cpu.h"
#include "platform/sensors.h"

namespace batchsweep {

struct MachineReport {
  std::vector<std::pair<std::string, std::string>> facts;  // key, value
  std::vector<SensorStatus> sensors;
};

// `root` stands for "/"; tests give a made-up tree.
MachineReport DescribeMachine(const Cpu& cpu,
                              const std::filesystem::path& root = "/");

// Keys in a column, values wrapped to 80 characters beside it; commands stand
// on a line of their own, unbroken, to be copied.
std::string ReportText(const MachineReport& report);

std::string ReportJson(const MachineReport& report);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_MACHINE_REPORT_H_
