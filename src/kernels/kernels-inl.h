// The one body of every kernel; contracts are in the topics' headers. Included
// once by each kernels_*.cc, which sets BATCHSWEEP_ISA_NAMESPACE and
// BATCHSWEEP_ISA.
//
// Nothing here may call an inline function of the standard library: compiled
// with this file's instruction set, it could become the copy that all of the
// program uses, and end it on a lesser CPU. Hence the builtins.

#include "kernels/kernels.h"

#ifdef __ARM_NEON
#include <arm_neon.h>
#endif

namespace batchsweep::BATCHSWEEP_ISA_NAMESPACE {
namespace {

#include "kernels/vectors-inl.h"
// The others build on it.
#include "kernels/columns-inl.h"
#include "kernels/depthwise-inl.h"
#include "kernels/elementwise-inl.h"
#include "kernels/images-inl.h"
#include "kernels/loss-inl.h"
#include "kernels/optimizer-inl.h"
#include "kernels/product_tile-inl.h"
// This builds on the tiles.
#include "kernels/matrix_product-inl.h"

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels = {
    kProductKernels, kElementwiseKernels, kColumnKernels,    kDepthwiseKernels,
    kImageKernels,   kLossKernels,        kOptimizerKernels, BATCHSWEEP_ISA};

}  // namespace batchsweep::BATCHSWEEP_ISA_NAMESPACE
