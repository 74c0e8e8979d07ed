#include "platform/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "platform/interrupt.h"
#include "platform/linux/sysfs.h"
#include "platform/memory.h"
#include "platform/posix/lost_pages.h"

namespace batchsweep {
namespace {

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

std::string ReadAll(int fd) {
  std::string text;
  char block[512];
  while (true) {
    const ssize_t count = read(fd, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(block, static_cast<size_t>(count));
  }
}

// Exit codes of the child: an error's message is in the pipe.
constexpr int kChildSucceeded = 0;
constexpr int kChildFailed = 1;

[[noreturn]] void BeChild(const std::function<Status()>& work, pid_t parent,
                          int pipe) {
  IgnoreInterrupts();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kChildFailed);  // it ended before that
  ReportLostPagesTo(pipe);
  int exit_code = kChildSucceeded;
  try {
    if (const Status status = work(); !status) {
      WriteAll(pipe, status.error().message);
      exit_code = kChildFailed;
    }
  } catch (const std::bad_alloc&) {
    WriteAll(pipe, kMemoryRanOut);  // no memory is taken to say so
    exit_code = kChildFailed;
  }
  std::fflush(nullptr);
  // Without destructors and leak checks: they are the parent's.
  _exit(exit_code);
}

int64_t Nanoseconds(const timeval& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + int64_t{time.tv_usec} * 1000;
}

}  // namespace

Status RunInChild(std::string_view name, const std::function<Status()>& work) {
  int ends[2];
  if (pipe(ends) != 0) {
    return Fail("{}: cannot make a pipe: {}", name, std::strerror(errno));
  }
  std::fflush(nullptr);  // or both would write what is buffered
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    BeChild(work, parent, ends[1]);
  }
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return Fail("{}: cannot start a process: {}; free some memory", name,
                std::strerror(errno));
  }
  const std::string message = ReadAll(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kChildSucceeded) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == kChildFailed) {
    return std::unexpected(Error{message});
  }
  if (WIFSIGNALED(status)) {
    return Fail("{}: its process was ended by signal {} ({}){}", name,
                WTERMSIG(status), strsignal(WTERMSIG(status)),
                WTERMSIG(status) == SIGKILL
                    ? "; if nobody killed it, memory ran out: choose a smaller "
                      "batch or model"
                    : "");
  }
  return Fail("{}: its process ended with exit code {}", name,
              WEXITSTATUS(status));
}

// The kernel's own record of the command: of a bundle it has the loader and its
// options too, and the program file is that loader.
void RestartProgram(const char* extra_argument) {
  const auto command = sysfs::ReadText("/proc/self/cmdline");
  if (!command) return;
  auto arguments = *command | std::views::split('\0') |
                   std::ranges::to<std::vector<std::string>>();
  if (!std::ranges::contains(arguments, extra_argument)) {
    arguments.emplace_back(extra_argument);
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  // By its name: for an emulated program the link itself is the emulator.
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return;
  HoldInterrupts();
  if (!InterruptRequested()) execv(program.c_str(), pointers.data());
  LetInterruptsCome();
}

ProcessUsage ReadProcessUsage() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return {
      .cpu_time_ns = Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime),
      .major_faults = usage.ru_majflt};
}

int64_t ReadProgramFiles() {
  // A library has several mappings; code is what it has in each case.
  std::set<std::string> files;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    const size_t access = line.find(' ') + 1;
    if (path != std::string::npos && line.substr(access, 4) == "r-xp") {
      files.insert(line.substr(path));
    }
  }
  int64_t bytes = 0;
  std::vector<char> block(1 << 16);
  for (const std::string& file : files) {
    std::ifstream stream(file, std::ios::binary);
    while (stream.read(block.data(), std::ssize(block)), stream.gcount() > 0) {
      bytes += stream.gcount();
    }
  }
  return bytes;
}

}  // namespace batchsweep
