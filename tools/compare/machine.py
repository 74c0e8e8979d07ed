"""What machine a comparison runs on, and whether it is quiet: whatever else runs there makes some figures worse."""

import dataclasses
import os
import pathlib
import platform
import time

LOOK_SECONDS = 1.0
# Cores that others may use on average: kernel threads and a shell take some hundredths.
QUIET_BEFORE, QUIET_DURING = 0.05, 0.1
# The load average remembers a minute: a comparison that has just ended leaves 1 there.
QUIET_LOAD = 1.5
IDLE_COLUMNS = {3, 4}  # of /proc/stat's first line: idle, waiting for a disk
GUEST_COLUMN = 8  # from here on, what is in the columns before already


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith(("model name", "Model")):
            return " ".join(line.split(":", 1)[1].split())
    return platform.machine()


def now_ns():
    """The one clock of a comparison: CLOCK_MONOTONIC, batchsweep's own too."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


@dataclasses.dataclass
class Usage:
    """Seconds up to now."""

    clock: float
    busy: float  # of all CPUs together; what a hypervisor gave to others counts
    own: float  # CPU time of this process and of its children that have ended

    def others_since(self, before):
        """How many cores everyone else kept busy on average."""
        elapsed = self.clock - before.clock
        return max(0.0, (self.busy - before.busy) - (self.own - before.own)) / elapsed


def read_usage(root="/"):
    line = (pathlib.Path(root) / "proc/stat").read_text(encoding="ascii").splitlines()[0]
    ticks = [int(word) for word in line.split()[1:]][:GUEST_COLUMN]
    busy = sum(count for column, count in enumerate(ticks) if column not in IDLE_COLUMNS)
    times = os.times()
    return Usage(now_ns() / 1e9, busy / os.sysconf("SC_CLK_TCK"),
                 times.user + times.system + times.children_user + times.children_system)


@dataclasses.dataclass
class Quiet:
    """What else ran on the machine, in cores, and the load of the last minute before."""

    load_before: float
    others_before: float
    others_during: float = 0.0

    def warnings(self):
        found = []
        if self.others_before > QUIET_BEFORE or self.load_before > QUIET_LOAD:
            found.append(f"the machine was not quiet before the comparison: others used {self.others_before:.2f} of a "
                         f"core, the load was {self.load_before:.1f}")
        if self.others_during > QUIET_DURING:
            found.append(f"the machine was not quiet during the comparison: others used {self.others_during:.2f} of a "
                         "core on average; repeat it on a quiet machine before quoting its figures")
        return found


def look_around():
    """Takes LOOK_SECONDS, in which this process does nothing."""
    load, before = os.getloadavg()[0], read_usage()
    time.sleep(LOOK_SECONDS)
    return Quiet(load, read_usage().others_since(before))
