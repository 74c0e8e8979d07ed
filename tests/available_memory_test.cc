// What limits memory, of trees as kernels show it.
#include <catch2/catch_test_macros.hpp>
#include <format>
#include <string>

#include "platform/memory.h"
#include "tests/board_trees.h"

namespace batchsweep {
namespace {

constexpr int64_t kMib = 1 << 20;

// A machine with 4000 MiB to spare.
void MakeMachine(Tree& tree) {
  tree.Add(
      "proc/meminfo",
      std::format("MemTotal: 8192000 kB\nMemAvailable: {} kB\n", 4000 * 1024));
}

// The lines of /proc/self/limits and status that matter, in MiB; a limit below
// 0 is none.
void SetLimits(Tree& tree, int64_t address_mib, int64_t data_mib) {
  const auto line = [](const char* name, int64_t mib) {
    return std::format("{:<26}{:<21}unlimited            bytes     \n", name,
                       mib < 0 ? "unlimited" : std::to_string(mib * kMib));
  };
  tree.Add(
      "proc/self/limits",
      "Limit                     Soft Limit           Hard Limit           "
      "Units     \n" +
          line("Max data size", data_mib) + line("Max stack size", 8) +
          line("Max address space", address_mib));
  tree.Add("proc/self/status",
           std::format("Name:\tbatchsweep\nVmSize:\t  {} kB\nVmData:\t  {} "
                       "kB\nVmRSS:\t 1 kB\n",
                       100 * 1024, 40 * 1024));
}

MemoryRoom RoomOn(const Tree& tree, int new_threads = 0) {
  return AvailableMemory(new_threads, tree.root()).value();
}

TEST_CASE("without any limit the machine's memory is the room", "[memory]") {
  Tree tree;
  MakeMachine(tree);
  tree.Add("proc/self/cgroup", "0::/user.slice\n")
      .Add("sys/fs/cgroup/user.slice/memory.max", "max\n")
      .Add("sys/fs/cgroup/user.slice/memory.current", "1000\n");
  SetLimits(tree, -1, -1);
  CHECK(RoomOn(tree).bytes == 4000 * kMib);
  CHECK(RoomOn(tree).limit == "this machine");
  const Tree nothing;
  CHECK_FALSE(AvailableMemory(0, nothing.root()));
}

TEST_CASE("numbers that are no size of memory are no limits", "[memory]") {
  Tree tree;
  MakeMachine(tree);
  tree.Add("proc/self/cgroup", "4:memory:/a\n0::/a\n")
      .Add("sys/fs/cgroup/memory/a/memory.limit_in_bytes",
           "9223372036854771712\n")
      .Add("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1000\n")
      .Add("sys/fs/cgroup/a/memory.max", "-9223372036854775808\n")
      .Add("sys/fs/cgroup/a/memory.current", "1000\n");
  CHECK(RoomOn(tree).bytes == 4000 * kMib);
  Tree huge;
  huge.Add("proc/meminfo",
           "MemTotal: 9223372036854775807 kB\n"
           "MemAvailable: 9223372036854775807 kB\n");
  CHECK_FALSE(AvailableMemory(0, huge.root()));
  CHECK_FALSE(TotalMemoryBytes(huge.root()));
}

TEST_CASE("the tightest cgroup of all above the process counts", "[memory]") {
  Tree tree;
  MakeMachine(tree);
  tree.Add("proc/self/cgroup", "0::/a/b/c\n")
      .Add("sys/fs/cgroup/a/memory.max", std::to_string(900 * kMib))
      .Add("sys/fs/cgroup/a/memory.current", std::to_string(500 * kMib))
      .Add("sys/fs/cgroup/a/b/memory.max", std::to_string(600 * kMib))
      .Add("sys/fs/cgroup/a/b/memory.current", std::to_string(100 * kMib))
      .Add("sys/fs/cgroup/a/b/c/memory.max", "max\n")
      .Add("sys/fs/cgroup/a/b/c/memory.current", "1\n");
  CHECK(RoomOn(tree).bytes == 400 * kMib);
  CHECK(RoomOn(tree).limit.contains("/sys/fs/cgroup/a/memory.max"));
  // File pages that were not used lately go when their room is wanted.
  tree.Add(
      "sys/fs/cgroup/a/memory.stat",
      std::format("anon 5\nactive_file 7\ninactive_file {}\n", 300 * kMib));
  CHECK(RoomOn(tree).bytes == 500 * kMib);
  CHECK(RoomOn(tree).limit.contains("/sys/fs/cgroup/a/b/memory.max"));
  // More in use than is allowed leaves nothing, not less.
  tree.Add("sys/fs/cgroup/a/b/memory.current", std::to_string(700 * kMib));
  CHECK(RoomOn(tree).bytes == 0);
}

TEST_CASE("a container's own limit counts where its path is the host's",
          "[memory]") {
  Tree tree;
  MakeMachine(tree);
  tree.Add("proc/self/cgroup", "0::/../../docker/0123\n")
      .Add("sys/fs/cgroup/memory.max", std::to_string(256 * kMib))
      .Add("sys/fs/cgroup/memory.current", std::to_string(56 * kMib));
  CHECK(RoomOn(tree).bytes == 200 * kMib);
  tree.Add("proc/self/cgroup", "0::/\n");
  CHECK(RoomOn(tree).bytes == 200 * kMib);
}

TEST_CASE("cgroups of version 1 count, beside those of version 2", "[memory]") {
  Tree tree;
  MakeMachine(tree);
  tree.Add("proc/self/cgroup",
           "12:cpuset:/x\n4:cpu,memory:/docker/ab\n0::/docker/ab\n")
      .Add("sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes",
           std::to_string(300 * kMib))
      .Add("sys/fs/cgroup/memory/docker/ab/memory.usage_in_bytes",
           std::to_string(120 * kMib))
      .Add("sys/fs/cgroup/memory/docker/ab/memory.stat",
           std::format("cache 1\ninactive_file 1\ntotal_inactive_file {}\n",
                       20 * kMib))
      .Add("sys/fs/cgroup/memory/memory.limit_in_bytes",
           "9223372036854771712\n")
      .Add("sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n");
  CHECK(RoomOn(tree).bytes == 200 * kMib);
  CHECK(RoomOn(tree).limit.contains("docker/ab/memory.limit_in_bytes"));
  tree.Add("sys/fs/cgroup/docker/ab/memory.max", std::to_string(130 * kMib))
      .Add("sys/fs/cgroup/docker/ab/memory.current",
           std::to_string(120 * kMib));
  CHECK(RoomOn(tree).bytes == 10 * kMib);
  // Another controller's limit of that name is none of memory.
  tree.Add("proc/self/cgroup", "4:memory_recursive:/docker/ab\n");
  CHECK(RoomOn(tree).bytes == 4000 * kMib);
}

TEST_CASE("limits of address space and data count, with threads' stacks",
          "[memory]") {
  Tree tree;
  MakeMachine(tree);
  SetLimits(tree, 500, -1);
  CHECK(RoomOn(tree).bytes == 400 * kMib);
  CHECK(RoomOn(tree).limit == "ulimit -v");
  CHECK(RoomOn(tree, 3).bytes == (400 - 24) * kMib);
  SetLimits(tree, -1, 300);
  CHECK(RoomOn(tree).bytes == 260 * kMib);
  CHECK(RoomOn(tree).limit == "ulimit -d");
  SetLimits(tree, 500, 450);
  CHECK(RoomOn(tree).limit == "ulimit -v");
  SetLimits(tree, 50, 450);
  CHECK(RoomOn(tree).bytes == 0);
}

}  // namespace
}  // namespace batchsweep
