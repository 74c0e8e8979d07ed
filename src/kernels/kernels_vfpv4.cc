#define BATCHSWEEP_ISA_NAMESPACE vfpv4
#define BATCHSWEEP_ISA IsaLevel::kVfpv4
#include "kernels/kernels-inl.h"
