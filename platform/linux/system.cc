#include "platform/system.h"

#include <gnu/libc-version.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <format>
#include <ranges>
#include <string_view>

#include "platform/linux/sysfs.h"

namespace batchsweep {
namespace {

// cpu.max is "quota period" in microseconds, or "max period".
int CgroupQuotaCores() {
  const auto text = sysfs::ReadText("/sys/fs/cgroup/cpu.max");
  if (!text) return INT32_MAX;
  int64_t quota_us = 0, period_us = 0;
  const char* end = text->data() + text->size();
  const auto quota = std::from_chars(text->data(), end, quota_us);
  if (quota.ec != std::errc() || quota.ptr == end) return INT32_MAX;
  const auto period = std::from_chars(quota.ptr + 1, end, period_us);
  if (period.ec != std::errc() || period_us <= 0) return INT32_MAX;
  return static_cast<int>(std::max<int64_t>(1, quota_us / period_us));
}

std::optional<std::string> BoardName(const std::filesystem::path& root) {
  // Arm boards have a device tree, PCs have DMI.
  if (auto model = sysfs::ReadText(root / "proc/device-tree/model")) {
    return model;
  }
  return sysfs::ReadText(root / "sys/class/dmi/id/product_name");
}

// A device tree says what it is compatible with from the board to the chip,
// each as "vendor,name" and a zero byte: the last name is the chip's, or that
// of its family, as of an Orin: ..., "nvidia,tegra234", "nvidia,tegra23x".
std::optional<std::string> SocName(const std::filesystem::path& root) {
  const auto compatible = sysfs::ReadText(root / "proc/device-tree/compatible");
  if (!compatible) return std::nullopt;
  std::vector<std::string> names;
  for (const auto part : *compatible | std::views::split('\0')) {
    const std::string_view both(part.begin(), part.end());
    names.emplace_back(both.substr(both.find(',') + 1));  // npos + 1 is 0
  }
  if (names.empty() || names.back().empty()) return std::nullopt;
  std::string last = names.back();
  if (!last.ends_with('x')) return last;
  const std::string_view family(last.data(), last.size() - 1);
  names.pop_back();
  const auto chip = std::ranges::find_if(
      names, [&](const std::string& name) { return name.starts_with(family); });
  return chip == names.end() ? last : *chip;
}

// "0 1 2 3"
std::vector<int> ParseCores(std::string_view text) {
  std::vector<int> cores;
  int core = 0;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const auto [after, error] = std::from_chars(at, end, core);
    if (error == std::errc()) cores.push_back(core);
    at = after < end ? after + 1 : end;  // past what is no number
  }
  return cores;
}

std::optional<double> KhzToHz(std::optional<int64_t> khz) {
  return khz ? std::optional(static_cast<double>(*khz) * 1000.0) : std::nullopt;
}

// One entry for all policies with the same settings: PCs have a policy a core.
std::vector<CoreClocking> Clocking(const std::filesystem::path& root) {
  std::vector<CoreClocking> all;
  for (const auto& policy :
       sysfs::List(root / "sys/devices/system/cpu/cpufreq", "policy")) {
    CoreClocking own = {
        .cores =
            ParseCores(sysfs::ReadText(policy / "affected_cpus").value_or("")),
        .governor = sysfs::ReadText(policy / "scaling_governor"),
        .min_freq_hz = KhzToHz(sysfs::ReadInteger(policy / "scaling_min_freq")),
        .max_freq_hz =
            KhzToHz(sysfs::ReadInteger(policy / "scaling_max_freq"))};
    if (own.cores.empty()) continue;  // all switched off
    const auto alike = std::ranges::find_if(all, [&](const CoreClocking& one) {
      return one.governor == own.governor &&
             one.min_freq_hz == own.min_freq_hz &&
             one.max_freq_hz == own.max_freq_hz;
    });
    if (alike == all.end()) {
      all.push_back(std::move(own));
    } else {
      alike->cores.insert(alike->cores.end(), own.cores.begin(),
                          own.cores.end());
    }
  }
  for (CoreClocking& one : all) std::ranges::sort(one.cores);
  std::ranges::sort(all, {}, &CoreClocking::cores);
  return all;
}

// The number behind `key` in `text`.
std::optional<int> NumberAfter(std::string_view text, std::string_view key) {
  const size_t found = text.find(key);
  if (found == std::string_view::npos) return std::nullopt;
  text.remove_prefix(found + key.size());
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// NAME of the line "< POWER_MODEL ID=2 NAME=MODE_15W >" with that ID.
std::optional<std::string> PowerModeName(std::string_view config, int id) {
  const std::string key = std::format("< POWER_MODEL ID={} NAME=", id);
  const size_t found = config.find(key);
  if (found == std::string_view::npos) return std::nullopt;
  config.remove_prefix(found + key.size());
  return std::string(config.substr(0, config.find_first_of(" >\n")));
}

// What `nvpmodel -q` prints on a Jetson. The status has "pmode:0002" once a
// mode was chosen; until then the configuration's default holds.
std::optional<std::string> PowerMode(const std::filesystem::path& root) {
  const auto status = root / "var/lib/nvpmodel/status";
  const std::string config =
      sysfs::ReadText(root / "etc/nvpmodel.conf").value_or("");
  std::error_code ignored;
  const auto id =
      std::filesystem::exists(status, ignored)
          ? NumberAfter(sysfs::ReadText(status).value_or(""), "pmode:")
          : NumberAfter(config, "< PM_CONFIG DEFAULT=");
  if (!id) return std::nullopt;
  const auto name = PowerModeName(config, *id);
  return name ? std::format("{} ({})", *name, *id) : std::format("{}", *id);
}

}  // namespace

SystemInfo DescribeSystem(const std::filesystem::path& root) {
  utsname names;
  uname(&names);
  return {.host_name = names.nodename,
          .kernel = std::string(names.sysname) + " " + names.release + " " +
                    names.machine,
          .c_library = std::string("glibc ") + gnu_get_libc_version(),
          .board = BoardName(root),
          .soc = SocName(root),
          .governor = sysfs::ReadText(
              root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
          .power_mode = PowerMode(root),
          .clocking = Clocking(root)};
}

int UsableCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const int affinity =
      sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
  return std::max(1, std::min(affinity, CgroupQuotaCores()));
}

}  // namespace batchsweep
