// What the CPU counted in one phase of a step.
#ifndef BATCHSWEEP_MEASURE_PHASE_COUNTS_H_
#define BATCHSWEEP_MEASURE_PHASE_COUNTS_H_

#include <cstdint>
#include <optional>

#include "util/fields.h"

namespace batchsweep {

struct PhaseCounts {
  const char* phase = "";  // "load", "forward", "backward" or "update"
  int64_t time_ns = 0;
  // These four are counted for all threads, in user mode. A count that this
  // machine does not have is absent.
  std::optional<int64_t> cycles;
  std::optional<int64_t> instructions;
  std::optional<int64_t> cache_misses;
  std::optional<int64_t> branch_misses;

  static constexpr auto Fields() {
    using C = PhaseCounts;
    return GroupList<&C::phase, &C::time_ns, &C::cycles, &C::instructions,
                     &C::cache_misses, &C::branch_misses>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_PHASE_COUNTS_H_
