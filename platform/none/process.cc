// A platform without processes. Processor time is the C++ library's.
#include "platform/process.h"

#include <ctime>

namespace batchsweep {

Status RunInChild(std::string_view name, const std::function<Status()>&) {
  return Fail("{}: a process of its own is not there on this platform", name);
}

void RestartProgram(const char*) {}

ProcessUsage ReadProcessUsage() {
  return {.cpu_time_ns = static_cast<int64_t>(
              static_cast<double>(std::clock()) * 1e9 / CLOCKS_PER_SEC)};
}

int64_t ReadProgramFiles() { return 0; }

}  // namespace batchsweep
