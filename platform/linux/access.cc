// What of a board this process may read.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>
#include <ranges>
#include <string_view>
#include <vector>

#include "platform/linux/sensor.h"
#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

using Path = std::filesystem::path;

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

// Lets the user's group read a device's node, now and after each boot.
std::string UdevRule(std::string_view node) {
  return std::format(
      "echo 'KERNEL==\"{0}\", GROUP=\"video\", MODE=\"0660\"' | "
      "sudo tee /etc/udev/rules.d/99-{0}.rules && "
      "sudo udevadm control --reload && sudo udevadm trigger && "
      "sudo usermod -aG video $USER",
      node);
}

SensorStatus CounterStatus(const Path& root) {
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

class MailboxAccess : public Sensor {
 public:
  explicit MailboxAccess(const Board& board) : board_(board) {}

  std::optional<SensorStatus> Describe() override {
    if (!IsRaspberryPi(board_.system)) return std::nullopt;
    return MailboxStatus(board_);
  }

 private:
  const Board& board_;
};

class CounterAccess : public Sensor {
 public:
  explicit CounterAccess(const Path& root) : root_(root) {}

  std::optional<SensorStatus> Describe() override {
    return CounterStatus(root_);
  }

 private:
  const Path root_;
};

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

// The firmware's mailbox answers for the throttle word, the measured clock and,
// on a Raspberry Pi 5, the power chip's rails. Newer kernels have a second node
// that takes vcgencmd's questions only, which are enough.
SensorStatus MailboxStatus(const Board& board) {
  SensorStatus status = {"mailbox", false,
                         "no /dev/vcio in this kernel, which is not Raspberry "
                         "Pi's own"};
  for (const char* node : {"vcio_gencmd", "vcio"}) {
    const FileAccess access = board.probe(board.root / "dev" / node);
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

std::unique_ptr<Sensor> FindMailboxAccess(const Board& board) {
  return std::make_unique<MailboxAccess>(board);
}

std::unique_ptr<Sensor> FindCounterAccess(const Board& board) {
  return std::make_unique<CounterAccess>(board.root);
}

}  // namespace batchsweep
