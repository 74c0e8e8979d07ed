#include "kernels/kernels.h"

namespace batchsweep {

namespace baseline {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}

namespace {

// The whole choice of kernels: the tables that this build has, weakest first.
// A CPU runs the last one that asks for no more than platform/cpu.h says it
// can. A new instruction set is a line here, a file like kernels_avx2.cc, the
// compiler's flags for that file in CMakeLists.txt, and an IsaLevel with its
// name and its detection in platform/cpu. 32-bit Arm has no table that fuses
// multiplications and additions, although many CPUs could: XNNPACK's kernels
// for it do not fuse either, and where bits agree times may choose.
constexpr const Kernels* kTables[] = {
    &baseline::kKernels,
#ifdef __x86_64__
    &avx2::kKernels,
    &avx512::kKernels,
#endif
};

}  // namespace

std::vector<const Kernels*> KernelsUpTo(IsaLevel isa) {
  std::vector<const Kernels*> tables;
  for (const Kernels* table : kTables) {
    if (table->isa <= isa) tables.push_back(table);
  }
  return tables;
}

const Kernels& KernelsFor(IsaLevel isa) { return *KernelsUpTo(isa).back(); }

}  // namespace batchsweep
