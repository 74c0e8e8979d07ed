#include "sweep/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "model/safetensors.h"
#include "platform/file.h"
#include "platform/folder.h"
#include "record/sealed_json.h"
#include "record/written_file.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr int kVersion = 6;
constexpr std::string_view kState = "state-";
constexpr std::string_view kStateEnd = ".json";
constexpr std::string_view kTensors = "tensors-";
constexpr std::string_view kTensorsEnd = ".safetensors";
constexpr const char* kStepTimes = "step_times_ns";
constexpr const char* kStepFlagBits = "step_flags";

std::string StateFile(int64_t serial) {
  return std::format("{}{}{}", kState, serial, kStateEnd);
}

std::string TensorsFile(int64_t serial) {
  return std::format("{}{}{}", kTensors, serial, kTensorsEnd);
}

// The number in a file's name; absent if it is none of these files.
std::optional<int64_t> SerialOf(std::string_view name, std::string_view begin,
                                std::string_view end) {
  if (!name.starts_with(begin) || !name.ends_with(end)) return std::nullopt;
  name.remove_prefix(begin.size());
  name.remove_suffix(std::min(end.size(), name.size()));
  int64_t serial = 0;
  const auto read = std::from_chars(name.begin(), name.end(), serial);
  if (name.empty() || read.ec != std::errc() || read.ptr != name.end()) {
    return std::nullopt;
  }
  return serial;
}

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

TensorView Vector(std::string name, std::span<float> values) {
  return {.name = std::move(name),
          .shape = {{std::ssize(values)}},
          .values = values};
}

// All that a tensors file has. The step history's is in these two vectors.
std::vector<TensorView> KeptTensors(Network& network,
                                    std::vector<float>& times_ns,
                                    std::vector<float>& flag_bits) {
  std::vector<TensorView> tensors = network.WeightViews();
  for (int slot = 0; slot < network.optimizer_slots(); ++slot) {
    tensors.push_back(
        Vector(std::format("slot {}", slot), network.optimizer_slot(slot)));
  }
  tensors.push_back(Vector(kStepTimes, times_ns));
  tensors.push_back(Vector(kStepFlagBits, flag_bits));
  return tensors;
}

// Removes what neither `position` nor the checkpoint before it refers to.
// Failing to do so harms nobody.
void RemoveUnused(const fs::path& folder, const SweepPosition& position) {
  std::vector<int64_t> used;
  const auto use = [&](const SweepPosition& state) {
    for (const KeptCell& kept : state.kept) used.push_back(kept.tensors_serial);
  };
  use(position);
  if (const auto before = ReadState(folder / StateFile(position.serial - 1))) {
    use(*before);
  }
  for (const std::string& name : NamesIn(folder)) {
    const auto state = SerialOf(name, kState, kStateEnd);
    const auto tensors = SerialOf(name, kTensors, kTensorsEnd);
    const bool is_used =
        state ? *state == position.serial || *state == position.serial - 1
              : !tensors || std::ranges::contains(used, *tensors);
    std::error_code ignored;
    if (!is_used) fs::remove(folder / name, ignored);
  }
}

}  // namespace

Status KeepCell(const fs::path& folder, int64_t cell, CellState& state,
                Network& network, SweepPosition& position) {
  StepHistory& history = state.totals.steps;
  std::vector<float> flag_bits;
  flag_bits.reserve(history.flags.size());
  for (const StepFlags flags : history.flags) flag_bits.push_back(flags.bits);
  KeptCell kept = {.cell = cell,
                   .tensors_serial = position.serial + 1,
                   .history_steps = std::ssize(history.times_ns)};
  ASSIGN_OR_RETURN(
      kept.tensors,
      WriteSafetensors(folder / TensorsFile(kept.tensors_serial),
                       KeptTensors(network, history.times_ns, flag_bits)));
  // Without the arrays, which take the room of all else many times.
  auto times_ns = std::exchange(history.times_ns, {});
  auto flags = std::exchange(history.flags, {});
  kept.state = state;
  history.times_ns = std::move(times_ns);
  history.flags = std::move(flags);
  position.Forget(cell);
  position.kept.push_back(std::move(kept));
  return {};
}

Status SavePosition(const fs::path& folder, SweepPosition& position) {
  RETURN_IF_ERROR(MakeFolder(folder));
  ++position.serial;
  Json json = {{"version", kVersion}};
  json.update(ToJson(position));
  RETURN_IF_ERROR(WriteFileAtomically(folder / StateFile(position.serial),
                                      SealedText(json)));
  RemoveUnused(folder, position);
  return {};
}

std::vector<fs::path> ListStates(const fs::path& folder) {
  std::vector<int64_t> serials;
  for (const std::string& name : NamesIn(folder)) {
    if (const auto serial = SerialOf(name, kState, kStateEnd)) {
      serials.push_back(*serial);
    }
  }
  std::ranges::sort(serials, std::greater());
  std::vector<fs::path> paths;
  for (const int64_t serial : serials) {
    paths.push_back(folder / StateFile(serial));
  }
  return paths;
}

Result<SweepPosition> ReadState(const fs::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const auto json = ReadSealed(text);
  if (!json) {
    return Fail("{}: is not as it was written, some bytes of it changed",
                path.string());
  }
  SweepPosition position;
  if (json->value("version", Json()) != Json(kVersion) ||
      !FromJson(*json, position)) {
    return Fail("{}: expected a checkpoint of version {}, found another",
                path.string(), kVersion);
  }
  return position;
}

Result<SweepPosition> ReadNewestState(const fs::path& folder) {
  const std::vector<fs::path> paths = ListStates(folder);
  if (paths.empty()) {
    return Fail("{}: expected a checkpoint in it, found none", folder.string());
  }
  return ReadState(paths.front());
}

Status CheckTensors(const fs::path& folder, const SweepPosition& position) {
  for (const KeptCell& kept : position.kept) {
    RETURN_IF_ERROR(CheckWrittenFile(folder / TensorsFile(kept.tensors_serial),
                                     kept.tensors));
  }
  return {};
}

Status LoadKeptCell(const fs::path& folder, const KeptCell& kept,
                    CellState& state, Network& network) {
  state = kept.state;
  StepHistory& history = state.totals.steps;
  history.times_ns.resize(static_cast<size_t>(kept.history_steps));
  std::vector<float> flag_bits(history.times_ns.size());
  RETURN_IF_ERROR(
      ReadSafetensorsInto(folder / TensorsFile(kept.tensors_serial),
                          KeptTensors(network, history.times_ns, flag_bits)));
  network.WeightsChanged();
  for (const float bits : flag_bits) {
    history.flags.push_back({.bits = static_cast<uint8_t>(bits)});
  }
  if (history.IsConsistent()) return {};
  return Fail("{}: its step times do not fit their counts",
              (folder / TensorsFile(kept.tensors_serial)).string());
}

}  // namespace batchsweep
