// What `batchsweep info` says of sensors that not everybody may read: the
// Raspberry Pi's mailbox, power, and the CPU's event counters.
#ifndef BATCHSWEEP_PLATFORM_LINUX_BOARD_SENSORS_H_
#define BATCHSWEEP_PLATFORM_LINUX_BOARD_SENSORS_H_

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "platform/sensors.h"

namespace batchsweep {

// Who may read a file. All false or empty where there is none.
struct FileAccess {
  bool exists = false;
  bool readable = false;  // by this process
  std::string group;      // the owning one's name, "" if it may not read
};
FileAccess ProbeFile(const std::filesystem::path& file);

// Whether each is there and readable. Tests give a made-up tree as `root` and
// say by `probe` who may read it, since root may read everything.
std::vector<SensorStatus> DescribeBoardSensors(
    const std::filesystem::path& root,
    const std::function<FileAccess(const std::filesystem::path&)>& probe =
        ProbeFile);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_LINUX_BOARD_SENSORS_H_
