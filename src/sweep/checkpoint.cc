#include "sweep/checkpoint.h"

#include <algorithm>
#include <format>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>

#include "model/safetensors.h"
#include "platform/file.h"
#include "util/check.h"

namespace batchsweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 2;
constexpr const char* kStateFile = "state.json";
constexpr const char* kStepTimes = "step_times_ns";
constexpr const char* kStepFlagBits = "step_flags";

std::string TensorsFile(int64_t step) {
  return std::format("tensors-{}.safetensors", step);
}

std::string SlotName(int slot) { return std::format("slot {}", slot); }

template <class Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <class Value>
std::optional<Value> Optional(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<Value>());
}

Json CellJson(const CellState& cell) {
  return {{"epoch", cell.epoch},
          {"position", cell.position},
          {"step", cell.step},
          {"epoch_steps", cell.epoch_steps},
          {"epoch_loss_sum", cell.epoch_loss_sum},
          {"epoch_correct", cell.epoch_correct},
          {"epoch_train_time_ns", cell.epoch_train_time_ns},
          {"epoch_energy_joules", OrNull(cell.epoch_energy_joules)},
          {"epochs_done", cell.epochs_done},
          // Infinite, which JSON cannot say, before the first validation.
          {"best_val_loss", cell.best_epoch == 0 ? 0.0 : cell.best_val_loss},
          {"best_epoch", cell.best_epoch},
          {"final_val_loss", cell.final_val_loss},
          {"final_val_accuracy", OrNull(cell.final_val_accuracy)},
          {"train_time_ns", cell.train_time_ns},
          {"train_energy_joules", OrNull(cell.train_energy_joules)},
          {"time_to_target_ns", OrNull(cell.time_to_target_ns)},
          {"energy_to_target_joules", OrNull(cell.energy_to_target_joules)},
          {"examples", cell.examples},
          {"step_time_sum_ns", cell.step_time_sum_ns},
          {"elapsed_ns", cell.elapsed_ns}};
}

CellState CellFromJson(const Json& json) {
  CellState cell{
      .epoch = json.at("epoch"),
      .position = json.at("position"),
      .step = json.at("step"),
      .epoch_steps = json.at("epoch_steps"),
      .epoch_loss_sum = json.at("epoch_loss_sum"),
      .epoch_correct = json.at("epoch_correct"),
      .epoch_train_time_ns = json.at("epoch_train_time_ns"),
      .epoch_energy_joules = Optional<double>(json.at("epoch_energy_joules")),
      .epochs_done = json.at("epochs_done"),
      .best_val_loss = json.at("best_val_loss"),
      .best_epoch = json.at("best_epoch"),
      .final_val_loss = json.at("final_val_loss"),
      .final_val_accuracy = Optional<double>(json.at("final_val_accuracy")),
      .train_time_ns = json.at("train_time_ns"),
      .train_energy_joules = Optional<double>(json.at("train_energy_joules")),
      .time_to_target_ns = Optional<int64_t>(json.at("time_to_target_ns")),
      .energy_to_target_joules =
          Optional<double>(json.at("energy_to_target_joules")),
      .examples = json.at("examples"),
      .step_time_sum_ns = json.at("step_time_sum_ns"),
      .elapsed_ns = json.at("elapsed_ns")};
  if (cell.best_epoch == 0) {
    cell.best_val_loss = std::numeric_limits<double>::infinity();
  }
  return cell;
}

Json PositionJson(const SweepPosition& position) {
  Json warnings = Json::array(), limits = Json::array();
  for (const Warning& warning : position.warnings) {
    warnings.push_back({{"name", warning.name}, {"message", warning.message}});
  }
  for (const auto& [threads, limit] : position.limits) {
    limits.push_back(
        {{"threads", threads},
         {"matmul_flops_per_second", limit.matmul_flops_per_second},
         {"update_bytes_per_second", limit.update_bytes_per_second}});
  }
  Json json = {{"version", kVersion},
               {"cells_done", position.cells_done},
               {"recorded_bytes",
                {{"steps", position.recorded.steps},
                 {"counters", position.recorded.counters},
                 {"epochs", position.recorded.epochs},
                 {"summary", position.recorded.summary}}},
               {"warnings", std::move(warnings)},
               {"diverged_batches", position.diverged_batches},
               {"weights_are_live", position.weights_are_live},
               {"limits", std::move(limits)}};
  if (position.cell) json["cell"] = CellJson(*position.cell);
  return json;
}

SweepPosition PositionFromJson(const Json& json) {
  if (json.at("version") != kVersion) throw std::runtime_error("version");
  const Json& recorded = json.at("recorded_bytes");
  SweepPosition position{.cells_done = json.at("cells_done"),
                         .recorded = {.steps = recorded.at("steps"),
                                      .counters = recorded.at("counters"),
                                      .epochs = recorded.at("epochs"),
                                      .summary = recorded.at("summary")},
                         .diverged_batches = json.at("diverged_batches"),
                         .weights_are_live = json.at("weights_are_live")};
  for (const Json& warning : json.at("warnings")) {
    position.warnings.push_back(
        {.name = warning.at("name"), .message = warning.at("message")});
  }
  for (const Json& limit : json.at("limits")) {
    position.limits[limit.at("threads")] = {
        .matmul_flops_per_second = limit.at("matmul_flops_per_second"),
        .update_bytes_per_second = limit.at("update_bytes_per_second")};
  }
  if (json.contains("cell")) position.cell = CellFromJson(json.at("cell"));
  return position;
}

NamedTensor Vector(std::string name, std::span<const float> values) {
  return {.name = std::move(name),
          .shape = {{static_cast<int64_t>(values.size())}},
          .values = {values.begin(), values.end()}};
}

Status SaveTensors(const std::filesystem::path& path, const CellState& cell,
                   Network& network) {
  std::vector<NamedTensor> tensors = network.Weights();
  for (int slot = 0; slot < network.optimizer_slots(); ++slot) {
    tensors.push_back(Vector(SlotName(slot), network.optimizer_slot(slot)));
  }
  tensors.push_back(Vector(kStepTimes, cell.step_times_ns));
  std::vector<float> bits;
  for (const StepFlags flags : cell.step_flags) bits.push_back(flags.bits);
  tensors.push_back(Vector(kStepFlagBits, bits));
  return WriteSafetensors(path, tensors);
}

// What earlier checkpoints left. Failing to remove it harms nobody.
void RemoveOtherTensors(const std::filesystem::path& folder,
                        const std::string& keep) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.starts_with("tensors-") && name != keep) {
      std::filesystem::remove(entry->path(), ignored);
    }
  }
}

}  // namespace

Status SaveCheckpoint(const std::filesystem::path& folder,
                      const SweepPosition& position, Network* network) {
  RETURN_IF_ERROR(MakeWritableFolder(folder));
  std::string tensors_file;
  if (position.cell) {
    tensors_file = TensorsFile(position.cell->step);
    RETURN_IF_ERROR(
        SaveTensors(folder / tensors_file, *position.cell, *network));
  }
  RETURN_IF_ERROR(
      WriteFileAtomically(folder / kStateFile, PositionJson(position).dump(2)));
  RemoveOtherTensors(folder, tensors_file);
  return {};
}

Result<SweepPosition> LoadCheckpoint(const std::filesystem::path& folder) {
  const auto path = folder / kStateFile;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    return PositionFromJson(Json::parse(text));
  } catch (const std::exception&) {
    return Fail(
        "{}: not a checkpoint of this version; start anew with another --out",
        path.string());
  }
}

Status LoadCheckpointTensors(const std::filesystem::path& folder,
                             CellState& cell, Network& network) {
  const auto path = folder / TensorsFile(cell.step);
  ASSIGN_OR_RETURN(std::vector<NamedTensor> tensors, ReadSafetensors(path));
  const auto take = [&](const std::string& name) -> NamedTensor {
    const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
    return found == tensors.end() ? NamedTensor{} : std::move(*found);
  };
  std::vector<NamedTensor> weights;
  for (const ParamSpec& param : network.param_specs()) {
    weights.push_back(take(param.name));
    if (weights.back().shape != param.shape) {
      return Fail("{}: no {} of shape {}; start anew with another --out",
                  path.string(), param.name, param.shape.ToString());
    }
  }
  network.SetWeights(weights);
  for (int slot = 0; slot < network.optimizer_slots(); ++slot) {
    const NamedTensor state = take(SlotName(slot));
    const std::span<float> place = network.optimizer_slot(slot);
    if (state.values.size() != place.size()) {
      return Fail("{}: no {} of {} values; start anew with another --out",
                  path.string(), SlotName(slot), place.size());
    }
    std::ranges::copy(state.values, place.begin());
  }
  cell.step_times_ns = take(kStepTimes).values;
  for (const float bits : take(kStepFlagBits).values) {
    cell.step_flags.push_back({.bits = static_cast<uint8_t>(bits)});
  }
  if (cell.step_flags.size() != cell.step_times_ns.size()) {
    return Fail("{}: {} for {} step times; start anew with another --out",
                path.string(), cell.step_flags.size(),
                cell.step_times_ns.size());
  }
  return {};
}

}  // namespace batchsweep
