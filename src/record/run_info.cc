#include "record/run_info.h"

#include <nlohmann/json.hpp>

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
          {"threads", config.threads}};
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

Json ToJson(const RunInfo& info) {
  return {{"schema_version", kSchemaVersion},
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
          {"energy_grade", info.energy_grade},
          {"warnings", info.warnings}};
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
  if (const Json started = earlier.value("started_utc", Json());
      started.is_string()) {
    info.started_utc = started.get<std::string>();
  }
  for (const Json& warning : earlier.value("warnings", Json::array())) {
    if (warning.is_string()) info.warnings.push_back(warning);
  }
  return {};
}

}  // namespace batchsweep
