#include "kernels/denormals.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace batchsweep {
namespace {

#if defined(__x86_64__)
constexpr uint64_t kFlush = 0x8040;  // MXCSR: FTZ, bit 15, and DAZ, bit 6
uint64_t ReadControl() { return _mm_getcsr(); }
void WriteControl(uint64_t value) {
  _mm_setcsr(static_cast<unsigned int>(value));
}
#elif defined(__aarch64__)
constexpr uint64_t kFlush = uint64_t{1} << 24;  // FPCR.FZ
uint64_t ReadControl() {
  uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void WriteControl(uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value)); }
#elif defined(__arm__)
// Vectors flush in any case; this is for the rest.
constexpr uint64_t kFlush = uint64_t{1} << 24;  // FPSCR.FZ
uint64_t ReadControl() {
  uint32_t value;
  asm volatile("vmrs %0, fpscr" : "=r"(value));
  return value;
}
void WriteControl(uint64_t value) {
  asm volatile("vmsr fpscr, %0" ::"r"(static_cast<uint32_t>(value)));
}
#else
#error "say how this architecture flushes denormals to zero"
#endif

}  // namespace

ScopedFlushDenormals::ScopedFlushDenormals() : previous_(ReadControl()) {
  WriteControl(previous_ | kFlush);
}

ScopedFlushDenormals::~ScopedFlushDenormals() { WriteControl(previous_); }

}  // namespace batchsweep
