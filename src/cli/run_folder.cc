#include "cli/run_folder.h"

#include <filesystem>
#include <string>
#include <utility>

#include "platform/file.h"
#include "record/recorder.h"

namespace batchsweep {
namespace {

bool HoldsARun(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const char* file : {"run.json", "steps.csv", "epochs.csv"}) {
    if (std::filesystem::exists(folder / file, ignored)) return true;
  }
  return false;
}

// Refuses to replace a model.json that is not this run's: with --out . it may
// be the user's own.
Status CheckModelFile(const std::filesystem::path& path,
                      std::string_view model_json) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  ASSIGN_OR_RETURN(const std::string present, ReadFile(path));
  if (present == model_json) return {};
  return Fail(
      "{}: is another model than the one to train, of which a copy belongs "
      "there; name another folder with --out",
      path.string());
}

}  // namespace

Result<SweepPosition> StartNew(const SweepConfig& config, const RunInfo& info,
                               std::string_view model_json) {
  const std::filesystem::path model_path = config.out / "model.json";
  if (HoldsARun(config.out)) {
    return Fail(
        "--out {}: holds a run already; name another folder, move it away, or "
        "go on with it by --resume",
        config.out.string());
  }
  RETURN_IF_ERROR(MakeWritableFolder(config.out));
  RETURN_IF_ERROR(CheckModelFile(model_path, model_json));
  RETURN_IF_ERROR(WriteFileAtomically(model_path, model_json));
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  ASSIGN_OR_RETURN(
      const Recorder recorder,
      Recorder::Create(config.out,
                       info.overhead.counters_reading_ns.has_value()));
  SweepPosition position;
  position.recorded = recorder.recorded();
  RETURN_IF_ERROR(SaveCheckpoint(config.out / "checkpoint", position, nullptr));
  return position;
}

Result<SweepPosition> StartResumed(const SweepConfig& config, RunInfo& info) {
  RETURN_IF_ERROR(AdoptEarlierRun(config.out / "run.json", info));
  ASSIGN_OR_RETURN(SweepPosition position,
                   LoadCheckpoint(config.out / "checkpoint"));
  // Cut off what stands behind it now, even if no cell is left to do so.
  RETURN_IF_ERROR(Recorder::Resume(config.out, position.recorded));
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  return position;
}

}  // namespace batchsweep
