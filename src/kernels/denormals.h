// XNNPACK's operators count numbers below 1.2e-38 as zero; so must our kernels,
// or a result would depend on who computed it, and a step on such numbers takes
// many times as long.
#ifndef BATCHSWEEP_KERNELS_DENORMALS_H_
#define BATCHSWEEP_KERNELS_DENORMALS_H_

#include <cstdint>

namespace batchsweep {

// While it lives, this thread's arithmetic flushes denormals to zero.
class ScopedFlushDenormals {
 public:
  ScopedFlushDenormals();
  ~ScopedFlushDenormals();
  ScopedFlushDenormals(const ScopedFlushDenormals&) = delete;
  ScopedFlushDenormals& operator=(const ScopedFlushDenormals&) = delete;

 private:
  uint64_t previous_;  // the thread's floating-point control register
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_DENORMALS_H_
