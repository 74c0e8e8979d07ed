// The arithmetic of a training step that XNNPACK lacks, or does more slowly.
//
// One body (kernels-inl.h and the files of its topics) is compiled once for
// each instruction set, each time in a namespace of its own; a table holds the
// entry points and KernelsFor() gives the one that the CPU can run. Bodies are
// plain loops that the compiler turns into vectors. All kernels run on the
// calling thread, none allocates, and no pointer need be aligned. Pointers of
// one call do not overlap unless its comment says so.
#ifndef BATCHSWEEP_KERNELS_KERNELS_H_
#define BATCHSWEEP_KERNELS_KERNELS_H_

#include <vector>

#include "kernels/columns.h"
#include "kernels/depthwise.h"
#include "kernels/elementwise.h"
#include "kernels/images.h"
#include "kernels/loss.h"
#include "kernels/matrix_product.h"
#include "kernels/optimizer.h"
#include "platform/cpu.h"

namespace batchsweep {

// The table of one instruction set; a topic's header says what its entries do.
struct Kernels : ProductKernels,
                 ElementwiseKernels,
                 ColumnKernels,
                 DepthwiseKernels,
                 ImageKernels,
                 LossKernels,
                 OptimizerKernels {
  IsaLevel isa;
};

// The kernels compiled for `isa`, or for the strongest level below it that this
// build has.
const Kernels& KernelsFor(IsaLevel isa);

// Every table of this build that a CPU with `isa` can run, weakest first.
std::vector<const Kernels*> KernelsUpTo(IsaLevel isa);

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_KERNELS_H_
