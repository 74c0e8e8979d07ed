#include "platform/cpu.h"

#include <cpuinfo.h>

#include <algorithm>
#include <utility>

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

// Cores of the boards this is made for, and their next of kin.
std::optional<std::string> CoreName(const cpuinfo_cluster& cluster) {
#if CPUINFO_ARCH_ARM || CPUINFO_ARCH_ARM64
  // Arm's part number: cpuinfo takes an Orin's core for a Cortex-A78 or does
  // not know it.
  if ((cluster.midr & 0xff00fff0u) == 0x4100d420u) return "Cortex-A78AE";
#endif
  switch (cluster.uarch) {
    case cpuinfo_uarch_cortex_a7:
      return "Cortex-A7";
    case cpuinfo_uarch_cortex_a53:
      return "Cortex-A53";
    case cpuinfo_uarch_cortex_a55:
      return "Cortex-A55";
    case cpuinfo_uarch_cortex_a57:
      return "Cortex-A57";
    case cpuinfo_uarch_cortex_a72:
      return "Cortex-A72";
    case cpuinfo_uarch_cortex_a73:
      return "Cortex-A73";
    case cpuinfo_uarch_cortex_a76:
      return "Cortex-A76";
    case cpuinfo_uarch_cortex_a78:
      return "Cortex-A78";
    case cpuinfo_uarch_denver2:
      return "Denver 2";
    case cpuinfo_uarch_carmel:
      return "Carmel";
    case cpuinfo_uarch_neoverse_n1:
      return "Neoverse-N1";
    case cpuinfo_uarch_neoverse_v1:
      return "Neoverse-V1";
    case cpuinfo_uarch_neoverse_n2:
      return "Neoverse-N2";
    default:
      return std::nullopt;
  }
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
             .features = DetectFeatures(),
             .clusters = DetectClusters(),
             .cores = cores,
             .usable_cores = std::min(UsableCores(), cores)};
}

const char* CpuinfoVersion() { return BATCHSWEEP_CPUINFO_VERSION; }

}  // namespace batchsweep
