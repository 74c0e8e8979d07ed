// What CPUs and their cores are called, where cpuinfo does not know or errs.
#ifndef BATCHSWEEP_PLATFORM_LINUX_CPU_NAMES_H_
#define BATCHSWEEP_PLATFORM_LINUX_CPU_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace batchsweep {

// "Cortex-A76" by the register of an Arm core that tells its kind, MIDR:
// implementer << 24 | variant << 20 | 0xf << 16 | part << 4 | revision, which
// /proc/cpuinfo gives piece by piece. Absent for cores that are neither of the
// boards this is made for nor their next of kin.
std::optional<std::string> ArmCoreName(uint32_t midr);

// The CPU's name for a reader, from cpuinfo's and that of the device tree's
// chip, which PCs do not have; "unknown" without either. cpuinfo goes by
// /proc/cpuinfo, which on every Raspberry Pi since 2017 says BCM2835: it makes
// the right chip of that up to the Pi 4, and calls a Pi 5 "Broadcom BCM2835".
std::string CpuModelName(std::string_view cpuinfo_name,
                         const std::optional<std::string>& soc);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_LINUX_CPU_NAMES_H_
