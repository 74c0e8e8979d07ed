#include "kernels/kernels.h"

namespace batchsweep {

namespace baseline {
extern const Kernels kKernels;
}
#ifdef __x86_64__
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
#endif

std::vector<const Kernels*> KernelsUpTo(IsaLevel isa) {
  std::vector<const Kernels*> tables = {&baseline::kKernels};
#ifdef __x86_64__
  if (isa >= IsaLevel::kAvx2) tables.push_back(&avx2::kKernels);
  if (isa >= IsaLevel::kAvx512) tables.push_back(&avx512::kKernels);
#else
  static_cast<void>(isa);  // one table serves every level
#endif
  return tables;
}

const Kernels& KernelsFor(IsaLevel isa) { return *KernelsUpTo(isa).back(); }

}  // namespace batchsweep
