#include "train/checkpoint.h"

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

constexpr int kVersion = 1;
constexpr const char* kStateFile = "state.json";
constexpr const char* kStepTimes = "step_times_ns";

std::string TensorsFile(int64_t step) {
  return std::format("tensors-{}.safetensors", step);
}

std::string SlotName(int slot) { return std::format("slot {}", slot); }

Json CellJson(const CellState& cell) {
  return {{"epoch", cell.epoch},
          {"position", cell.position},
          {"step", cell.step},
          {"epoch_steps", cell.epoch_steps},
          {"epoch_loss_sum", cell.epoch_loss_sum},
          {"epoch_correct", cell.epoch_correct},
          {"epoch_train_time_ns", cell.epoch_train_time_ns},
          {"epochs_done", cell.epochs_done},
          // Infinite, which JSON cannot say, before the first validation.
          {"best_val_loss", cell.best_epoch == 0 ? 0.0 : cell.best_val_loss},
          {"best_epoch", cell.best_epoch},
          {"final_val_loss", cell.final_val_loss},
          {"final_val_accuracy", cell.final_val_accuracy.value_or(-1.0)},
          {"examples", cell.examples},
          {"step_time_sum_ns", cell.step_time_sum_ns},
          {"elapsed_ns", cell.elapsed_ns}};
}

// JSON has no absent number here; an accuracy is never negative.
std::optional<double> NotNegative(double value) {
  return value < 0.0 ? std::nullopt : std::optional(value);
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
      .epochs_done = json.at("epochs_done"),
      .best_val_loss = json.at("best_val_loss"),
      .best_epoch = json.at("best_epoch"),
      .final_val_loss = json.at("final_val_loss"),
      .final_val_accuracy = NotNegative(json.at("final_val_accuracy")),
      .examples = json.at("examples"),
      .step_time_sum_ns = json.at("step_time_sum_ns"),
      .elapsed_ns = json.at("elapsed_ns")};
  if (cell.best_epoch == 0) {
    cell.best_val_loss = std::numeric_limits<double>::infinity();
  }
  return cell;
}

SweepPosition PositionFromJson(const Json& json) {
  const Json& recorded = json.at("recorded_bytes");
  SweepPosition position{.cells_done = json.at("cells_done"),
                         .recorded = {.steps = recorded.at("steps"),
                                      .epochs = recorded.at("epochs"),
                                      .summary = recorded.at("summary")}};
  if (json.at("version") != kVersion) throw std::runtime_error("version");
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
  Json json = {{"version", kVersion},
               {"cells_done", position.cells_done},
               {"recorded_bytes",
                {{"steps", position.recorded.steps},
                 {"epochs", position.recorded.epochs},
                 {"summary", position.recorded.summary}}}};
  std::string tensors_file;
  if (position.cell) {
    tensors_file = TensorsFile(position.cell->step);
    json["cell"] = CellJson(*position.cell);
    RETURN_IF_ERROR(
        SaveTensors(folder / tensors_file, *position.cell, *network));
  }
  RETURN_IF_ERROR(WriteFileAtomically(folder / kStateFile, json.dump(2)));
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
  return {};
}

}  // namespace batchsweep
