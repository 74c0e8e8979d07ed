#include "platform/linux/board_sensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <optional>
#include <ranges>
#include <string_view>

#include "platform/linux/power.h"
#include "platform/linux/sysfs.h"
#include "platform/system.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;
using Probe = std::function<FileAccess(const Path&)>;

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
      return {
          "mailbox", true,
          std::format("/dev/{}, for throttling and the measured clock", node)};
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
          "the power chip's rails, by the mailbox: less than the board draws"};
}

std::string Names(const std::vector<PowerRail>& rails,
                  std::string_view between) {
  std::vector<std::string> names;
  for (const PowerRail& rail : rails) names.push_back(rail.name);
  return Join(names, between);
}

SensorStatus JetsonPower(const Path& root, const Probe& probe) {
  const std::vector<PowerRail> rails = FindJetsonRails(root);
  std::vector<std::string> closed, patterns;
  for (const PowerRail& rail : rails) {
    const bool iio = !rail.power.empty();
    const bool readable = probe(iio ? rail.power : rail.current).readable &&
                          probe(rail.label).readable;
    const std::string folder = sysfs::Shown(root, rail.label.parent_path());
    if (readable || std::ranges::contains(closed, folder)) continue;
    closed.push_back(folder);
    patterns.push_back(std::format("{0}/{1} {0}/*_input", folder,
                                   iio ? "rail_name_*" : "in*_label"));
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
  const std::vector<PowerRail> total = TotalRails(rails);
  if (total.empty()) {
    return {"power", false,
            std::format("an INA3221 has {}, of which no sum is known to be the "
                        "module's; {}",
                        Names(rails, ", "), kMeter)};
  }
  return {"power", true, Names(total, " + ") + " of an INA3221"};
}

SensorStatus PcPower(const Path& root, const Probe& probe) {
  const RaplPackages packages(root);
  std::vector<std::string> closed;
  for (const Path& counter : packages.files()) {
    if (!probe(counter).readable) closed.push_back(sysfs::Shown(root, counter));
  }
  if (!closed.empty()) {
    return {"power", false,
            std::format("{} is {}", Join(closed, " and "), kUntilBoot),
            "sudo chmod a+r " + Join(closed, " ")};
  }
  if (packages.files().empty()) {
    return {"power", false,
            std::format("no RAPL counter, as in virtual machines; {}", kMeter)};
  }
  return {"power", true,
          std::format("RAPL's energy of {}, which is not the whole PC",
                      Join(packages.names(), ", "))};
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
          "the CPU's cycles, instructions and misses, in counters.csv"};
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
