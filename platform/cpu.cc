#include "platform/cpu.h"

#include <cpuinfo.h>

#include <algorithm>
#include <filesystem>

#include "platform/system.h"

namespace batchsweep {
namespace {

IsaLevel DetectIsa() {
  if (cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() &&
      cpuinfo_has_x86_avx512dq() && cpuinfo_has_x86_avx512vl()) {
    return IsaLevel::kAvx512;
  }
  if (cpuinfo_has_x86_avx2() && cpuinfo_has_x86_fma3()) return IsaLevel::kAvx2;
  return IsaLevel::kBaseline;
}

}  // namespace

const char* IsaName(IsaLevel level) {
  switch (level) {
    case IsaLevel::kBaseline:
      return "baseline";
    case IsaLevel::kAvx2:
      return "avx2";
    case IsaLevel::kAvx512:
      return "avx512";
  }
  return "unknown";
}

Result<Cpu> DetectCpu() {
  if (!CpuFilesReadable()) {
    return Fail(
        "cannot tell what CPU this is: /proc/cpuinfo is empty or "
        "/sys/devices/system/cpu is missing; mount /proc and /sys");
  }
  if (!cpuinfo_initialize()) {
    return Fail("cpuinfo does not know this CPU; XNNPACK cannot run on it");
  }
  const int cores =
      std::max<int>(1, static_cast<int>(cpuinfo_get_cores_count()));
  const cpuinfo_package* package = cpuinfo_get_package(0);
  std::string model_name = package == nullptr ? "" : package->name;
  if (model_name.empty()) model_name = "unknown";
  return Cpu{.model_name = std::move(model_name),
             .isa = DetectIsa(),
             .cores = cores,
             .usable_cores = std::min(UsableCores(), cores)};
}

}  // namespace batchsweep
