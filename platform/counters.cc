#include "platform/counters.h"

namespace batchsweep {

std::optional<int64_t> WholeCount(uint64_t counted, uint64_t enabled_ns,
                                  uint64_t running_ns) {
  if (running_ns == 0) return std::nullopt;
  if (running_ns == enabled_ns) return static_cast<int64_t>(counted);
  return static_cast<int64_t>(static_cast<double>(counted) *
                              static_cast<double>(enabled_ns) /
                              static_cast<double>(running_ns));
}

}  // namespace batchsweep
