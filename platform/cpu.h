// What the program computes on. cpu.cc is the only user of cpuinfo.h.
#ifndef BATCHSWEEP_PLATFORM_CPU_H_
#define BATCHSWEEP_PLATFORM_CPU_H_

#include <string>

#include "platform/error.h"

namespace batchsweep {

// Instruction sets that our kernels are compiled for, weakest first. A CPU that
// has one has those before it.
enum class IsaLevel {
  kBaseline,  // SSE2 on x86-64, NEON on Arm
  kAvx2,      // AVX2 and FMA
  kAvx512,    // AVX-512 F, BW, DQ and VL
};

// "baseline", "avx2", "avx512"
const char* IsaName(IsaLevel level);

struct Cpu {
  std::string model_name;  // "unknown" where the system does not tell
  IsaLevel isa = IsaLevel::kBaseline;
  int cores = 1;         // of the machine
  int usable_cores = 1;  // by this process' affinity mask and cgroup quota
};

// Fails where cpuinfo cannot work: it needs /sys and a filled /proc/cpuinfo
// and, on Arm, crashes rather than say so.
Result<Cpu> DetectCpu();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_CPU_H_
