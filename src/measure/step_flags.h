// What may have disturbed a step: the column `flags` of steps.csv.
#ifndef BATCHSWEEP_MEASURE_STEP_FLAGS_H_
#define BATCHSWEEP_MEASURE_STEP_FLAGS_H_

#include <cstdint>

namespace batchsweep {

enum class StepFlag : uint8_t {
  kWarmup,      // one of the first, while caches fill and the clock rises
  kPartBatch,   // an epoch's last, on fewer examples
  kThrottled,   // the board says that it slowed down
  kSlowClock,   // the CPU ran below 95 % of its highest frequency
  kSwap,        // some of the process' memory was swapped out meanwhile
  kMajorFault,  // a page had to be read from disk
  kLoad,        // others used more than a tenth of a core
};
constexpr const char* NameOf(StepFlag flag) {
  switch (flag) {
    case StepFlag::kWarmup:
      return "warmup";
    case StepFlag::kPartBatch:
      return "part_batch";
    case StepFlag::kThrottled:
      return "throttled";
    case StepFlag::kSlowClock:
      return "slow_clock";
    case StepFlag::kSwap:
      return "swap";
    case StepFlag::kMajorFault:
      return "major_fault";
    case StepFlag::kLoad:
      return "load";
  }
  return nullptr;  // behind the last
}
// How many there are: as many as have a name, which the compiler sees to.
inline constexpr int kStepFlags = [] {
  int count = 0;
  while (NameOf(static_cast<StepFlag>(count)) != nullptr) ++count;
  return count;
}();
static_assert(kStepFlags <= 8, "StepFlags::bits has room for eight");

// A set of flags. As text: their names joined by "+", or nothing.
struct StepFlags {
  uint8_t bits = 0;

  bool Has(StepFlag flag) const {
    return (bits >> static_cast<int>(flag) & 1) != 0;
  }
  void Add(StepFlag flag) {
    bits = static_cast<uint8_t>(bits | 1 << static_cast<int>(flag));
  }
  void Add(StepFlags others) {
    bits = static_cast<uint8_t>(bits | others.bits);
  }
  // Whether something disturbed the step: any flag but the first two, which are
  // of its own kind.
  bool Disturbed() const {
    return bits >> static_cast<int>(StepFlag::kThrottled) != 0;
  }
  bool operator==(const StepFlags&) const = default;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_STEP_FLAGS_H_
