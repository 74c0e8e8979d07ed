// Who computes one product of a network, as run.json has it.
#ifndef BATCHSWEEP_RECORD_KERNEL_RECORD_H_
#define BATCHSWEEP_RECORD_KERNEL_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "util/fields.h"

namespace batchsweep {

// For one batch size and number of threads.
struct KernelRecord {
  int64_t batch_size = 0;
  int threads = 1;
  std::string layer;
  std::string direction;      // "forward", "weight_grads" or "input_grad"
  std::string library;        // that computes it: "xnnpack" or "own"
  int64_t multiply_adds = 0;  // of an example
  // What each takes of a step, where both were timed; see graph/kernel_trial.h.
  std::optional<int64_t> xnnpack_time_ns;
  std::optional<int64_t> own_time_ns;
  std::optional<bool> equal_bits;  // where both were tried

  static constexpr auto Fields() {
    using K = KernelRecord;
    return FieldList<&K::batch_size, &K::threads, &K::layer, &K::direction,
                     &K::library, &K::multiply_adds, &K::xnnpack_time_ns,
                     &K::own_time_ns, &K::equal_bits>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_KERNEL_RECORD_H_
