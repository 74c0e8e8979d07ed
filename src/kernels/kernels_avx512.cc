#define BATCHSWEEP_ISA_NAMESPACE avx512
#define BATCHSWEEP_ISA IsaLevel::kAvx512
#include "kernels/kernels-inl.h"
