#include "record/run_info.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "platform/file.h"

namespace batchsweep {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json ModelJson(const RunInfo::Model& model) {
  return {{"name", model.name},
          {"input_shape", model.input_shape},
          {"layers", model.layers},
          {"parameters", model.parameters}};
}

Json DataJson(const RunInfo::Data& data) {
  return {{"name", data.name},
          {"example_shape", data.example_shape},
          {"class_count", data.class_count},
          {"train_examples", data.train_examples},
          {"validation_examples", data.validation_examples},
          {"validation_from", data.validation_from},
          {"test_examples", data.test_examples}};
}

// 0.001f as 0.001, not as 0.0010000000474974513.
double AsWritten(float value) { return std::stod(std::format("{}", value)); }

Json ConfigJson(const RunInfo::Config& config) {
  return {{"batch_sizes", config.batch_sizes},
          {"epochs", OrNull(config.epochs)},
          {"steps", OrNull(config.steps)},
          {"seconds", OrNull(config.seconds)},
          {"optimizer", config.optimizer},
          {"learning_rate", AsWritten(config.learning_rate)},
          {"lr_rule", config.lr_rule},
          {"momentum", AsWritten(config.momentum)},
          {"nesterov", config.nesterov},
          {"weight_decay", AsWritten(config.weight_decay)},
          {"seeds", config.seeds},
          {"init", config.init},
          {"shuffle", config.shuffle},
          {"loss", config.loss},
          {"memory", config.memory},
          {"threads", config.threads},
          {"processes", config.processes},
          {"order", config.order},
          {"sample_hz", config.sample_hz},
          {"cool_to_celsius", OrNull(config.cool_to_celsius)},
          {"soak_seconds", config.soak_seconds},
          {"pin", config.pin},
          {"realtime", config.realtime},
          {"target_accuracy", OrNull(config.target_accuracy)}};
}

Json CpuJson(const Cpu& cpu) {
  Json clusters = Json::array();
  for (const CoreCluster& cluster : cpu.clusters) {
    clusters.push_back(
        {{"cores", cluster.cores}, {"core_name", OrNull(cluster.core_name)}});
  }
  return {{"model_name", cpu.model_name}, {"isa", IsaName(cpu.isa)},
          {"features", cpu.features},     {"clusters", std::move(clusters)},
          {"cores", cpu.cores},           {"usable_cores", cpu.usable_cores}};
}

Json SystemJson(const RunInfo& info) {
  const SystemInfo& system = info.system;
  Json clocking = Json::array();
  for (const CoreClocking& one : system.clocking) {
    clocking.push_back({{"cores", one.cores},
                        {"governor", OrNull(one.governor)},
                        {"min_freq_hz", OrNull(one.min_freq_hz)},
                        {"max_freq_hz", OrNull(one.max_freq_hz)}});
  }
  return {{"host_name", system.host_name},
          {"kernel", system.kernel},
          {"c_library", system.c_library},
          {"board", OrNull(system.board)},
          {"soc", OrNull(system.soc)},
          {"governor", OrNull(system.governor)},
          {"clocking", std::move(clocking)},
          {"power_mode", OrNull(system.power_mode)},
          {"ram_bytes", OrNull(info.ram_bytes)},
          {"swap_total_bytes", OrNull(info.swap.total_bytes)},
          {"swap_used_bytes", OrNull(info.swap.used_bytes)},
          {"page_bytes", info.page_bytes}};
}

Json ProcessesJson(const std::vector<ProcessSpread>& spreads) {
  Json rows = Json::array();
  for (const ProcessSpread& spread : spreads) {
    rows.push_back({{"batch_size", spread.cell.batch_size},
                    {"seed", spread.cell.seed},
                    {"threads", spread.cell.threads},
                    {"processes", spread.processes},
                    {"step_time_median_ns", spread.median_ns},
                    {"step_time_median_low_ns", spread.median_low_ns},
                    {"step_time_median_high_ns", spread.median_high_ns},
                    {"least_step_time_median_ns", spread.least_ns},
                    {"greatest_step_time_median_ns", spread.greatest_ns}});
  }
  return rows;
}

Json ToJson(const RunInfo& info) {
  Json warnings = Json::array();
  for (const Warning& warning : info.warnings) {
    warnings.push_back({{"name", warning.name}, {"message", warning.message}});
  }
  return {
      {"schema_version", kSchemaVersion},
      {"status", info.status},
      {"command", info.command},
      {"started_utc", info.started_utc},
      {"finished_utc", info.finished_utc},
      {"program",
       {{"version", info.build.version},
        {"git_revision", info.build.git_revision},
        {"compiler", info.build.compiler},
        {"flags", info.build.flags},
        {"architecture", info.build.architecture},
        {"xnnpack_version", info.xnnpack_version},
        {"kernels_isa", info.kernels_isa},
        {"packed_weights", info.packed_weights}}},
      {"model", ModelJson(info.model)},
      {"data", DataJson(info.data)},
      {"config", ConfigJson(info.config)},
      {"cpu", CpuJson(info.cpu)},
      {"system", SystemJson(info)},
      {"clock",
       {{"name", info.clock.name},
        {"tick_ns", info.clock.tick_ns},
        {"cost_ns", info.clock.cost_ns}}},
      {"overhead",
       {{"step_recording_ns", info.overhead.step_recording_ns},
        {"sensors_reading_ns", info.overhead.sensors_reading_ns},
        {"counters_reading_ns", OrNull(info.overhead.counters_reading_ns)}}},
      {"frequency_source", info.frequency_source},
      {"energy_grade", info.energy_grade},
      {"energy_source", info.energy_source},
      {"processes", ProcessesJson(info.processes)},
      {"warnings", std::move(warnings)}};
}

}  // namespace

std::string RunInfoJson(const RunInfo& info) {
  // Names come from files and the system: odd bytes are replaced, not thrown.
  return ToJson(info).dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

Status WriteRunInfo(const std::filesystem::path& path, const RunInfo& info) {
  return WriteFileAtomically(path, RunInfoJson(info));
}

Status AdoptEarlierRun(const std::filesystem::path& path, RunInfo& info) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const Json earlier = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!earlier.is_object() ||
      earlier.value("schema_version", Json()) != Json(kSchemaVersion)) {
    return Fail(
        "{}: not a run.json of schema version {}; name another folder with "
        "--out",
        path.string(), kSchemaVersion);
  }
  const Json now = Json::parse(RunInfoJson(info));
  for (const char* part : {"model", "data", "config"}) {
    const Json& before = earlier.contains(part) ? earlier[part] : Json();
    for (const auto& [key, value] : now[part].items()) {
      const Json was = before.is_object() ? before.value(key, Json()) : Json();
      if (was == value) continue;
      return Fail(
          "{}: cannot resume: {} {} was {}, now it is {}; repeat the earlier "
          "command with --resume or name another folder with --out",
          path.string(), part, key, was.dump(), value.dump());
    }
  }
  for (auto [key, field] : {std::pair{"command", &info.command},
                            std::pair{"started_utc", &info.started_utc}}) {
    const Json was = earlier.value(key, Json());
    if (was.is_string()) *field = was.get<std::string>();
  }
  for (const Json& warning : earlier.value("warnings", Json::array())) {
    if (!warning.is_object()) continue;
    const Json name = warning.value("name", Json());
    const Json message = warning.value("message", Json());
    if (!name.is_string() || !message.is_string()) continue;
    info.AddWarning({.name = name, .message = message});
  }
  return {};
}

bool RunInfo::AddWarning(const Warning& warning) {
  if (std::ranges::contains(warnings, warning)) return false;
  warnings.push_back(warning);
  return true;
}

}  // namespace batchsweep
