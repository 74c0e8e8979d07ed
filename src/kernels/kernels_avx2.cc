#define BATCHSWEEP_ISA_NAMESPACE avx2
#define BATCHSWEEP_ISA IsaLevel::kAvx2
#include "kernels/kernels-inl.h"
