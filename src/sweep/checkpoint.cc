#include "sweep/checkpoint.h"

#include <algorithm>
#include <format>
#include <system_error>

#include "model/safetensors.h"
#include "platform/file.h"
#include "record/json.h"
#include "util/check.h"

namespace batchsweep {
namespace {

constexpr int kVersion = 3;
constexpr const char* kStateFile = "state.json";
constexpr const char* kStepTimes = "step_times_ns";
constexpr const char* kStepFlagBits = "step_flags";

std::string TensorsFile(int64_t step) {
  return std::format("tensors-{}.safetensors", step);
}

std::string SlotName(int slot) { return std::format("slot {}", slot); }

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
  tensors.push_back(Vector(kStepTimes, cell.totals.steps.times_ns));
  std::vector<float> bits;
  for (const StepFlags flags : cell.totals.steps.flags)
    bits.push_back(flags.bits);
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
    tensors_file = TensorsFile(position.cell->position.step);
    RETURN_IF_ERROR(
        SaveTensors(folder / tensors_file, *position.cell, *network));
  }
  Json json = {{"version", kVersion}};
  json.update(ToJson(position));
  RETURN_IF_ERROR(WriteFileAtomically(folder / kStateFile, json.dump(2)));
  RemoveOtherTensors(folder, tensors_file);
  return {};
}

Result<SweepPosition> LoadCheckpoint(const std::filesystem::path& folder) {
  const auto path = folder / kStateFile;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  SweepPosition position;
  if (!json.is_object() || json.value("version", Json()) != Json(kVersion) ||
      !FromJson(json, position)) {
    return Fail(
        "{}: not a checkpoint of this version; start anew with another --out",
        path.string());
  }
  return position;
}

Status LoadCheckpointTensors(const std::filesystem::path& folder,
                             CellState& cell, Network& network) {
  const auto path = folder / TensorsFile(cell.position.step);
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
  cell.totals.steps.times_ns = take(kStepTimes).values;
  for (const float bits : take(kStepFlagBits).values) {
    cell.totals.steps.flags.push_back({.bits = static_cast<uint8_t>(bits)});
  }
  if (cell.totals.steps.flags.size() != cell.totals.steps.times_ns.size()) {
    return Fail("{}: {} for {} step times; start anew with another --out",
                path.string(), cell.totals.steps.flags.size(),
                cell.totals.steps.times_ns.size());
  }
  return {};
}

}  // namespace batchsweep
