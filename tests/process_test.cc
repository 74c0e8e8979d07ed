#include "platform/process.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <format>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "platform/clock.h"
#include "platform/cores.h"
#include "platform/counters.h"
#include "platform/interrupt.h"
#include "tests/board_trees.h"

namespace batchsweep {
namespace {

TEST_CASE("the files of the program and its libraries are read whole",
          "[process]") {
  const int64_t bytes = ReadProgramFiles();
  CHECK(bytes > 2'000'000);  // the C library alone has as many
  // All of it stays read, and nothing is read twice.
  const ProcessUsage before = ReadProcessUsage();
  CHECK(ReadProgramFiles() == bytes);
  CHECK(ReadProcessUsage().major_faults == before.major_faults);
}

TEST_CASE("a child's memory is its own and its error comes back", "[process]") {
  int value = 1;
  CHECK(RunInChild("test", [&]() -> Status {
    value = 2;
    return {};
  }));
  CHECK(value == 1);
  const Status failed = RunInChild("test", [&]() -> Status {
    return Fail("no {} in {}", "luck", getpid());
  });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.starts_with("no luck in "));
  CHECK_FALSE(failed.error().message.contains(std::to_string(getpid())));
}

TEST_CASE("a long message comes back whole", "[process]") {
  const std::string text(200'000, 'x');  // more than a pipe holds
  CHECK(RunInChild("test", [&]() -> Status { return Fail("{}", text); })
            .error()
            .message == text);
}

TEST_CASE("a killed child is an error that says so", "[process]") {
  const Status killed = RunInChild("test", []() -> Status {
    raise(SIGKILL);
    return {};
  });
  REQUIRE_FALSE(killed);
  CHECK(killed.error().message.starts_with(
      "test: its process was ended by signal 9"));
  CHECK(killed.error().message.contains("memory ran out"));
}

TEST_CASE("an interrupt is noticed by parent and child, and ends neither",
          "[process]") {
  // In a child, which may keep its signal handlers.
  const Status noticed = RunInChild("test", []() -> Status {
    CatchInterrupts();
    const pid_t parent = getpid();
    RETURN_IF_ERROR(RunInChild("test", [&]() -> Status {
      if (InterruptRequested()) return Fail("too early");
      raise(SIGINT);  // as the terminal sends it to both
      kill(parent, SIGINT);
      for (int i = 0; i < 500 && !InterruptRequested(); ++i) usleep(10'000);
      if (!InterruptRequested()) return Fail("not noticed by the child");
      return {};
    }));
    return InterruptRequested() ? Status() : Fail("not noticed by the parent");
  });
  INFO((noticed ? "" : noticed.error().message));
  CHECK(noticed);
}

// What `test` finds after it has caught interrupts, in a child, which may keep
// its signal handlers.
Status WithInterruptsCaught(const std::function<Status()>& test) {
  return RunInChild("test", [&]() -> Status {
    // It ignores them as a child; a program is started with none ignored.
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_DFL);
    return test();
  });
}

TEST_CASE("a second hangup ends nothing, as a terminal that closes sends two",
          "[process]") {
  const Status stayed = WithInterruptsCaught([]() -> Status {
    CatchInterrupts();
    raise(SIGHUP);
    raise(SIGHUP);
    raise(SIGINT);
    return InterruptRequested() ? Status() : Fail("not noticed");
  });
  INFO((stayed ? "" : stayed.error().message));
  CHECK(stayed);
}

TEST_CASE("a second Ctrl-C ends the program, unless it comes with the first",
          "[process]") {
  for (const int number : {SIGINT, SIGTERM}) {
    const Status ended = WithInterruptsCaught([=]() -> Status {
      CatchInterrupts();
      raise(number);
      raise(number);  // the same request
      if (!InterruptRequested()) return Fail("not noticed");
      usleep(1'100'000);
      raise(number);
      return {};
    });
    REQUIRE_FALSE(ended);
    CHECK(ended.error().message.contains(
        std::format("ended by signal {} ", number)));
  }
}

TEST_CASE("a hangup that was ignored from the start stays so, an interrupt not",
          "[process]") {
  const Status noticed = WithInterruptsCaught([]() -> Status {
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    CatchInterrupts();
    raise(SIGHUP);
    if (InterruptRequested()) return Fail("the hangup was noticed");
    raise(SIGINT);
    return InterruptRequested() ? Status() : Fail("the interrupt was not");
  });
  INFO((noticed ? "" : noticed.error().message));
  CHECK(noticed);
}

TEST_CASE("interrupts that are held come once they are caught", "[process]") {
  const Status noticed = WithInterruptsCaught([]() -> Status {
    HoldInterrupts();
    raise(SIGTERM);  // would end it
    CatchInterrupts();
    return InterruptRequested() ? Status() : Fail("not noticed");
  });
  INFO((noticed ? "" : noticed.error().message));
  CHECK(noticed);
}

TEST_CASE("what a process used goes up", "[process]") {
  const ProcessUsage before = ReadProcessUsage();
  volatile double sum = 0;
  while (ReadProcessUsage().cpu_time_ns - before.cpu_time_ns < 20'000'000) {
    for (int i = 0; i < 10'000; ++i) sum = sum + i;
  }
  const ProcessUsage after = ReadProcessUsage();
  CHECK(after.cpu_time_ns > before.cpu_time_ns);
  CHECK(after.major_faults >= before.major_faults);
}

TEST_CASE("a thread stays on the cores it is told", "[cores]") {
  const std::vector<int> allowed = AllowedCores();
  REQUIRE_FALSE(allowed.empty());
  Status stayed = Fail("not tried");
  std::vector<int> own, inherited;
  int core = -1;
  std::thread([&] {
    stayed = StayOnCores(std::vector{allowed.back()});
    own = AllowedCores();
    std::thread([&] {
      inherited = AllowedCores();
      core = CurrentCore();
    }).join();
  }).join();
  CHECK(stayed);
  CHECK(own == std::vector{allowed.back()});
  CHECK(inherited == own);
  CHECK(core == allowed.back());
  CHECK(AllowedCores() == allowed);
  CHECK_FALSE(StayOnCores(std::vector{100'000}));
}

TEST_CASE("core time and the share of realtime threads are read", "[cores]") {
  Tree tree;
  CHECK_FALSE(MachineBusyNs(tree.root()));
  CHECK_FALSE(RealtimeShare(tree.root()));
  // user nice system idle iowait irq softirq steal guest, in 10 ms
  tree.Add("proc/stat", "cpu  100 20 3 99999 888 4 5 6 50 0\ncpu0 1 1 1 1\n")
      .Add("proc/sys/kernel/sched_rt_runtime_us", "950000\n")
      .Add("proc/sys/kernel/sched_rt_period_us", "1000000\n");
  CHECK(MachineBusyNs(tree.root()) == 138 * int64_t{10'000'000});
  CHECK(RealtimeShare(tree.root()) == 0.95);
  tree.Add("proc/sys/kernel/sched_rt_runtime_us", "-1\n")
      .Add("proc/stat", "cpu  100 20 x\n");
  CHECK(RealtimeShare(tree.root()) == 1.0);
  CHECK_FALSE(MachineBusyNs(tree.root()));
}

TEST_CASE("a counter that had turns is scaled to the whole time",
          "[counters]") {
  CHECK(WholeCount(1000, 500, 500) == 1000);
  CHECK(WholeCount(1000, 500, 250) == 2000);
  CHECK_FALSE(WholeCount(0, 500, 0));
}

TEST_CASE("counters count this thread and the ones it starts", "[counters]") {
  const Counters counters;
  const auto spin = [] {
    volatile double sum = 0;
    for (int i = 0; i < 3'000'000; ++i) sum = sum + i;
  };
  const CounterValues before = counters.Read();
  const auto cpu_before_ns = counters.CpuTimeNs();
  spin();
  const CounterValues one = counters.Read();
  const auto cpu_one_ns = counters.CpuTimeNs();
  std::thread(spin).join();
  const CounterValues two = counters.Read();
  const auto cpu_two_ns = counters.CpuTimeNs();
  if (cpu_before_ns) {
    CHECK(*cpu_one_ns > *cpu_before_ns);
    CHECK(*cpu_two_ns > *cpu_one_ns);
  }
  CHECK(counters.any() == (before.cycles || before.instructions ||
                           before.cache_misses || before.branch_misses));
  if (!before.instructions) SKIP("no instruction counter here");
  // An addition, a load and a store each time at the least.
  CHECK(*one.instructions - *before.instructions > 3'000'000);
  CHECK(*two.instructions - *one.instructions > 3'000'000);
}

}  // namespace
}  // namespace batchsweep
