#include "record/run_info.h"

#include <algorithm>
#include <concepts>
#include <utility>

#include "platform/file.h"
#include "record/json.h"
#include "record/sealed_json.h"

namespace batchsweep {

static const char* NameOf(IsaLevel level) { return IsaName(level); }

// The structs of platform/ that run.json has, by its names and in its order.
constexpr auto FieldsOf(const CoreCluster*) {
  return FieldList<&CoreCluster::cores, &CoreCluster::core_name>();
}
constexpr auto FieldsOf(const Cpu*) {
  return FieldList<&Cpu::model_name, &Cpu::isa, &Cpu::features, &Cpu::clusters,
                   &Cpu::cores, &Cpu::usable_cores>();
}
constexpr auto FieldsOf(const CoreClocking*) {
  using C = CoreClocking;
  return FieldList<&C::cores, &C::governor, &C::min_freq_hz, &C::max_freq_hz>();
}
constexpr auto FieldsOf(const SystemInfo*) {
  using S = SystemInfo;
  return FieldList<&S::host_name, &S::kernel, &S::c_library, &S::board, &S::soc,
                   &S::governor, &S::power_mode, &S::clocking>();
}
constexpr auto FieldsOf(const ClockProperties*) {
  using C = ClockProperties;
  return FieldList<&C::name, &C::tick_ns, &C::cost_ns>();
}

namespace {

Json ProgramJson(const RunInfo& info) {
  Json program = ToJson(info.build);
  program["xnnpack_version"] = info.xnnpack_version;
  program["kernels_isa"] = info.kernels_isa;
  program["packed_weights"] = info.packed_weights;
  return program;
}

Json ConfigJson(const std::vector<Setting>& config) {
  Json object = Json::object();
  for (const Setting& setting : config) {
    object[setting.name] = std::visit(
        []<class Value>(const Value& value) {
          if constexpr (std::same_as<Value, std::monostate>) {
            return Json(nullptr);
          } else {
            return Json(value);
          }
        },
        setting.value);
  }
  return object;
}

Json SystemJson(const RunInfo& info) {
  Json system = ToJson(info.system);
  system["ram_bytes"] = ToJson(info.ram_bytes);
  system["swap_total_bytes"] = ToJson(info.swap.total_bytes);
  system["swap_used_bytes"] = ToJson(info.swap.used_bytes);
  system["page_bytes"] = ToJson(info.page_bytes);
  return system;
}

Json RunInfoAsJson(const RunInfo& info) {
  Json processes = ToJson(info.processes);
  // A row here stands for all processes of its cell.
  for (Json& row : processes) row.erase("process");
  Json json = {{"schema_version", kSchemaVersion},
               {"status", info.status},
               {"error", ToJson(info.error)},
               {"command", info.command},
               {"started_utc", info.started_utc},
               {"finished_utc", info.finished_utc},
               {"program", ProgramJson(info)},
               {"model", ToJson(info.model)},
               {"data", ToJson(info.data)},
               {"config", ConfigJson(info.config)},
               {"cpu", ToJson(info.cpu)},
               {"system", SystemJson(info)},
               {"clock", ToJson(info.clock)},
               {"overhead", ToJson(info.overhead)},
               {"frequency_source", info.frequency_source},
               {"energy_grade", info.energy_grade},
               {"energy_source", info.energy_source},
               {"kernels", ToJson(info.kernels)},
               {"processes", std::move(processes)},
               {"warnings", ToJson(info.warnings)}};
  if (info.advice) json["advice"] = ToJson(*info.advice);
  return json;
}

}  // namespace

std::string RunInfoText(const RunInfo& info) {
  return SealedText(RunInfoAsJson(info));
}

Status WriteRunInfo(const std::filesystem::path& path, const RunInfo& info) {
  return WriteFileAtomically(path, RunInfoText(info));
}

bool RunInfo::AddWarning(const Warning& warning) {
  if (std::ranges::contains(warnings, warning)) return false;
  warnings.push_back(warning);
  return true;
}

}  // namespace batchsweep
