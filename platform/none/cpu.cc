// A CPU of which only the number of cores is known. Our kernels are the
// baseline's then; XNNPACK still chooses its own by cpuinfo.
#include "platform/cpu.h"

#include "platform/system.h"

namespace batchsweep {

Result<Cpu> DetectCpu() {
  const int cores = UsableCores();
  return Cpu{.model_name = "unknown", .cores = cores, .usable_cores = cores};
}

const char* CpuinfoVersion() { return "unknown"; }

}  // namespace batchsweep
