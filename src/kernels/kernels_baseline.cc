#define BATCHSWEEP_ISA_NAMESPACE baseline
#define BATCHSWEEP_ISA IsaLevel::kBaseline
#include "kernels/kernels-inl.h"
