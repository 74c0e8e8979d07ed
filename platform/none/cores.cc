// A platform that places threads itself and tells nothing of it.
#include "platform/cores.h"

namespace batchsweep {

std::vector<int> AllowedCores() { return {}; }

int CurrentCore() { return -1; }

Status StayOnCores(std::span<const int>) {
  return Fail("cannot stay on these cores: this platform places threads");
}

Status UseRealtimePriority() {
  return Fail("no realtime priority: there is none on this platform");
}

std::optional<double> RealtimeShare(const std::filesystem::path&) {
  return std::nullopt;
}

std::optional<int64_t> MachineBusyNs(const std::filesystem::path&) {
  return std::nullopt;
}

}  // namespace batchsweep
