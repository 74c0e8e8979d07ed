// What the program computes on. linux/cpu.cc is the only user of cpuinfo.h.
#ifndef BATCHSWEEP_PLATFORM_CPU_H_
#define BATCHSWEEP_PLATFORM_CPU_H_

#include <optional>
#include <string>
#include <vector>

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

// Cores of one kind that share a cache or a clock.
struct CoreCluster {
  int cores = 0;
  std::optional<std::string> core_name;  // "Cortex-A76"; absent on PCs, whose
                                         // model name says more
};

struct Cpu {
  std::string model_name;  // "unknown" where the system does not tell
  IsaLevel isa = IsaLevel::kBaseline;
  // What of "SSE4.1", "FMA3", "NEON" and the like it has that XNNPACK or our
  // kernels choose by, weakest first.
  std::vector<std::string> features;
  std::vector<CoreCluster> clusters;
  int cores = 1;         // of the machine
  int usable_cores = 1;  // by this process' affinity mask and cgroup quota
};

// On Linux by cpuinfo. Fails where that cannot work: it needs /sys and a filled
// /proc/cpuinfo and, on Arm, crashes rather than say so.
Result<Cpu> DetectCpu();

// The version of cpuinfo that this build was made with, "unknown" where its
// package does not tell.
const char* CpuinfoVersion();

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_CPU_H_
