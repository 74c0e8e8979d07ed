#include "platform/linux/cpu_names.h"

#include <algorithm>
#include <cctype>

namespace batchsweep {
namespace {

constexpr uint32_t kImplementerAndPart = 0xff00fff0;

struct ArmCore {
  uint32_t implementer, part;
  const char* name;
};
// Not by cpuinfo's own list, which does not know an Orin's core.
constexpr ArmCore kArmCores[] = {
    {0x41, 0xc07, "Cortex-A7"},    {0x41, 0xd03, "Cortex-A53"},
    {0x41, 0xd05, "Cortex-A55"},   {0x41, 0xd07, "Cortex-A57"},
    {0x41, 0xd08, "Cortex-A72"},   {0x41, 0xd09, "Cortex-A73"},
    {0x41, 0xd0b, "Cortex-A76"},   {0x41, 0xd0c, "Neoverse-N1"},
    {0x41, 0xd40, "Neoverse-V1"},  {0x41, 0xd41, "Cortex-A78"},
    {0x41, 0xd42, "Cortex-A78AE"}, {0x41, 0xd49, "Neoverse-N2"},
    {0x4e, 0x003, "Denver 2"},     {0x4e, 0x004, "Carmel"},
};

bool ContainsIgnoringCase(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  return !std::ranges::search(text, part, same).empty();
}

}  // namespace

std::optional<std::string> ArmCoreName(uint32_t midr) {
  for (const ArmCore& core : kArmCores) {
    if ((midr & kImplementerAndPart) ==
        (core.implementer << 24 | core.part << 4)) {
      return core.name;
    }
  }
  return std::nullopt;
}

std::string CpuModelName(std::string_view cpuinfo_name,
                         const std::optional<std::string>& soc) {
  const bool named = !cpuinfo_name.empty() && cpuinfo_name != "Unknown";
  if (!soc) return named ? std::string(cpuinfo_name) : "unknown";
  return named && ContainsIgnoringCase(cpuinfo_name, *soc)
             ? std::string(cpuinfo_name)
             : *soc;
}

}  // namespace batchsweep
