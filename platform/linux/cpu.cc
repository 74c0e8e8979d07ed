#include "platform/cpu.h"

#include <cpuinfo.h>

#include <algorithm>
#include <utility>

#include "platform/linux/cpu_names.h"
#include "platform/linux/sysfs.h"
#include "platform/system.h"

namespace batchsweep {
namespace {

bool HasAvx512() {
  return cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() &&
         cpuinfo_has_x86_avx512dq() && cpuinfo_has_x86_avx512vl();
}

IsaLevel DetectIsa() {
  if (HasAvx512()) return IsaLevel::kAvx512;
  if (cpuinfo_has_x86_avx2() && cpuinfo_has_x86_fma3()) return IsaLevel::kAvx2;
  return IsaLevel::kBaseline;
}

// XNNPACK's operators on floats choose by the first ones of each architecture;
// those after them serve its other types, and tell CPUs apart.
std::vector<std::string> DetectFeatures() {
  constexpr std::pair<const char*, bool (*)()> kFeatures[] = {
      {"SSE4.1", cpuinfo_has_x86_sse4_1},
      {"AVX", cpuinfo_has_x86_avx},
      {"F16C", cpuinfo_has_x86_f16c},
      {"FMA3", cpuinfo_has_x86_fma3},
      {"AVX2", cpuinfo_has_x86_avx2},
      {"AVX-512 F/BW/DQ/VL", HasAvx512},
      {"AVX-512 VNNI", cpuinfo_has_x86_avx512vnni},
      {"NEON", cpuinfo_has_arm_neon},
      {"FMA", cpuinfo_has_arm_neon_fma},
      {"fp16 arithmetic", cpuinfo_has_arm_neon_fp16_arith},
      {"dotprod", cpuinfo_has_arm_neon_dot},
      {"bf16", cpuinfo_has_arm_neon_bf16},
      {"i8mm", cpuinfo_has_arm_i8mm},
      {"SVE", cpuinfo_has_arm_sve},
      {"SVE2", cpuinfo_has_arm_sve2},
      {"SME2", cpuinfo_has_arm_sme2},
  };
  std::vector<std::string> found;
  for (const auto& [name, has] : kFeatures) {
    if (has()) found.push_back(name);
  }
  return found;
}

std::optional<std::string> CoreName(const cpuinfo_cluster& cluster) {
#if CPUINFO_ARCH_ARM || CPUINFO_ARCH_ARM64
  return ArmCoreName(cluster.midr);
#else
  (void)cluster;
  return std::nullopt;
#endif
}

std::vector<CoreCluster> DetectClusters() {
  std::vector<CoreCluster> clusters;
  for (uint32_t i = 0; i < cpuinfo_get_clusters_count(); ++i) {
    const cpuinfo_cluster& cluster = *cpuinfo_get_cluster(i);
    clusters.push_back({.cores = static_cast<int>(cluster.core_count),
                        .core_name = CoreName(cluster)});
  }
  return clusters;
}

// Whether what cpuinfo reads is there and filled.
bool CpuFilesReadable() {
  const auto cpuinfo = sysfs::ReadText("/proc/cpuinfo");
  return cpuinfo && !cpuinfo->empty() &&
         sysfs::ReadText("/sys/devices/system/cpu/possible");
}

}  // namespace

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
  return Cpu{.model_name = CpuModelName(package == nullptr ? "" : package->name,
                                        DescribeSystem().soc),
             .isa = DetectIsa(),
             .features = DetectFeatures(),
             .clusters = DetectClusters(),
             .cores = cores,
             .usable_cores = std::min(UsableCores(), cores)};
}

const char* CpuinfoVersion() { return BATCHSWEEP_CPUINFO_VERSION; }

}  // namespace batchsweep
