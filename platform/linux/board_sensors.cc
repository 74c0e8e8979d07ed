#include "platform/linux/board_sensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <optional>
#include <ranges>
#include <string_view>

#include "platform/linux/sysfs.h"
#include "platform/system.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;
using Probe = std::function<FileAccess(const Path&)>;

constexpr std::string_view kNotRecorded =
    "readable, not recorded by this version";
constexpr std::string_view kMeter = "use a meter at the plug";
// Files of /sys are made anew, with their first permissions, at each boot.
constexpr std::string_view kUntilBoot =
    "for root alone; the command holds until the next boot";

std::string Join(const std::vector<std::string>& parts,
                 std::string_view between) {
  return parts | std::views::join_with(between) |
         std::ranges::to<std::string>();
}

// Lets the user's group read a device's node, now and after each boot.
std::string UdevRule(std::string_view node) {
  return std::format(
      "echo 'KERNEL==\"{0}\", GROUP=\"video\", MODE=\"0660\"' | "
      "sudo tee /etc/udev/rules.d/99-{0}.rules && "
      "sudo udevadm control --reload && sudo udevadm trigger && "
      "sudo usermod -aG video $USER",
      node);
}

// The firmware's mailbox answers for the throttle word, the measured clock and,
// on a Raspberry Pi 5, the power chip's rails. Newer kernels have a second node
// that takes vcgencmd's questions only, which are enough.
SensorStatus Mailbox(const Path& root, const Probe& probe) {
  SensorStatus status = {"mailbox", false,
                         "no /dev/vcio in this kernel, which is not Raspberry "
                         "Pi's own"};
  for (const char* node : {"vcio_gencmd", "vcio"}) {
    const FileAccess access = probe(root / "dev" / node);
    if (access.readable) {
      return {"mailbox", true,
              std::format("/dev/{}, for throttling and the measured clock; {}",
                          node, kNotRecorded)};
    }
    if (!access.exists) continue;
    const bool group_reads = !access.group.empty() && access.group != "root";
    status.detail =
        std::format("/dev/{} is for {}; membership counts from the next login",
                    node, group_reads ? "group " + access.group : "root alone");
    status.remedy = group_reads
                        ? std::format("sudo usermod -aG {} $USER", access.group)
                        : UdevRule(node);
  }
  return status;
}

SensorStatus PiPower(const SystemInfo& system, const SensorStatus& mailbox) {
  if (system.soc != "bcm2712") {  // the Raspberry Pi 5's and its kin
    return {"power", false,
            std::format("a {} has no power sensor; {}",
                        system.board.value_or("Raspberry Pi before the 5"),
                        kMeter)};
  }
  if (!mailbox.readable) {
    return {"power", false, "the power chip is read by the mailbox",
            mailbox.remedy};
  }
  return {"power", true,
          std::format("the power chip's rails, by the mailbox: less than the "
                      "board draws; {}",
                      kNotRecorded)};
}

// A driver's devices are the entries "bus-address" of its folder.
std::vector<Path> I2cDevices(const Path& root, std::string_view driver) {
  auto entries = sysfs::List(root / "sys/bus/i2c/drivers" / driver, "");
  std::erase_if(entries, [](const Path& entry) {
    const std::string name = entry.filename();
    return name[0] < '0' || name[0] > '9' || !name.contains('-');
  });
  return entries;
}

// Where an INA3221's files are, and how they are called.
struct PowerChip {
  Path folder;
  std::string_view label_before, label_after;  // around the rail's number
  std::string_view value_before;               // "_input" follows the number
  int first_rail = 0;
};

std::vector<PowerChip> FindPowerChips(const Path& root) {
  std::vector<PowerChip> chips;
  for (const Path& device : I2cDevices(root, "ina3221")) {  // JetPack 5, 6
    for (const Path& folder : sysfs::List(device / "hwmon", "hwmon")) {
      chips.push_back({folder, "in", "_label", "curr", 1});
    }
  }
  for (const Path& device : I2cDevices(root, "ina3221x")) {  // JetPack 4
    for (const Path& folder : sysfs::List(device, "iio:device")) {
      chips.push_back({folder, "rail_name_", "", "in_power", 0});
    }
  }
  return chips;
}

SensorStatus JetsonPower(const Path& root, const Probe& probe) {
  const std::vector<PowerChip> chips = FindPowerChips(root);
  std::vector<std::string> rails, closed, patterns;
  for (const PowerChip& chip : chips) {
    const std::string shown = sysfs::Shown(root, chip.folder);
    bool readable = true;
    for (int rail = chip.first_rail; rail < chip.first_rail + 3; ++rail) {
      const Path label = chip.folder / std::format("{}{}{}", chip.label_before,
                                                   rail, chip.label_after);
      const FileAccess value = probe(
          chip.folder / std::format("{}{}_input", chip.value_before, rail));
      if (!value.exists) continue;
      readable = readable && value.readable && probe(label).readable;
      const auto name = sysfs::ReadText(label);
      // NC is a channel that is not connected.
      if (name && name != "NC") rails.push_back(*name);
    }
    if (readable) continue;
    closed.push_back(shown);
    patterns.push_back(std::format("{0}/{1}*{2} {0}/*_input", shown,
                                   chip.label_before, chip.label_after));
  }
  if (!closed.empty()) {
    return {"power", false,
            std::format("{} is {}", Join(closed, " and "), kUntilBoot),
            "sudo chmod a+r " + Join(patterns, " ")};
  }
  if (rails.empty()) {
    return {
        "power", false,
        std::format("no INA3221 here, as on a Jetson Nano 2GB; {}", kMeter)};
  }
  return {"power", true,
          std::format("{} of an INA3221; {}", Join(rails, ", "), kNotRecorded)};
}

SensorStatus PcPower(const Path& root, const Probe& probe) {
  std::vector<std::string> packages, closed;
  for (const Path& zone :
       sysfs::List(root / "sys/class/powercap", "intel-rapl:")) {
    // intel-rapl:0:1 is a part of intel-rapl:0.
    if (std::ranges::count(zone.filename().string(), ':') != 1) continue;
    const FileAccess counter = probe(zone / "energy_uj");
    if (!counter.exists) continue;
    packages.push_back(sysfs::ReadText(zone / "name").value_or("package"));
    if (!counter.readable) {
      closed.push_back(sysfs::Shown(root, zone / "energy_uj"));
    }
  }
  if (!closed.empty()) {
    return {"power", false,
            std::format("{} is {}", Join(closed, " and "), kUntilBoot),
            "sudo chmod a+r " + Join(closed, " ")};
  }
  if (packages.empty()) {
    return {"power", false,
            std::format("no RAPL counter, as in virtual machines; {}", kMeter)};
  }
  return {"power", true,
          std::format("RAPL's energy of {}, which is not the whole PC; {}",
                      Join(packages, ", "), kNotRecorded)};
}

SensorStatus Counters(const Path& root) {
  const auto paranoid =
      sysfs::ReadInteger(root / "proc/sys/kernel/perf_event_paranoid");
  const Path units = root / "sys/bus/event_source/devices";
  if (!paranoid || (sysfs::List(units, "cpu").empty() &&
                    sysfs::List(units, "armv").empty())) {
    return {"counters", false,
            "no cycle counter; most virtual machines have none"};
  }
  // From 3 on, which Debian adds, nothing is allowed but to root.
  if (*paranoid > 2) {
    return {"counters", false,
            std::format("kernel.perf_event_paranoid is {}, 2 would do; the "
                        "command holds until the next boot",
                        *paranoid),
            "sudo sysctl kernel.perf_event_paranoid=2"};
  }
  return {"counters", true,
          std::format("the CPU's cycles and the like; {}", kNotRecorded)};
}

// "" where /etc/group has none of that number. getgrgid would load what
// /etc/nsswitch.conf names, libraries of the system's own into a bundle's
// process.
std::string GroupName(gid_t gid) {
  const std::string groups = sysfs::ReadText("/etc/group").value_or("");
  for (const auto line : groups | std::views::split('\n')) {
    // name:password:number:members
    const auto fields = line | std::views::split(':') |
                        std::ranges::to<std::vector<std::string>>();
    if (fields.size() > 2 && fields[2] == std::format("{}", gid)) {
      return fields[0];
    }
  }
  return "";
}

}  // namespace

FileAccess ProbeFile(const Path& file) {
  struct stat status;
  if (stat(file.c_str(), &status) != 0) return {};
  FileAccess access = {.exists = true};
  // The permissions do not tell of capabilities and containers.
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  access.readable = fd >= 0;
  if (fd >= 0) close(fd);
  if ((status.st_mode & S_IRGRP) != 0) access.group = GroupName(status.st_gid);
  return access;
}

std::vector<SensorStatus> DescribeBoardSensors(const Path& root,
                                               const Probe& probe) {
  const SystemInfo system = DescribeSystem(root);
  std::vector<SensorStatus> found;
  if (!system.soc) {
    found.push_back(PcPower(root, probe));
  } else if (system.soc->starts_with("bcm2")) {
    found.push_back(Mailbox(root, probe));
    found.push_back(PiPower(system, found.front()));
  } else if (system.soc->starts_with("tegra")) {
    found.push_back(JetsonPower(root, probe));
  } else {
    found.push_back(
        {"power", false,
         std::format("no power sensor is known on this board; {}", kMeter)});
  }
  found.push_back(Counters(root));
  return found;
}

}  // namespace batchsweep
