#include "cli/run_folder.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "platform/file.h"
#include "record/recorder.h"
#include "sweep/checkpoint.h"
#include "sweep/resume.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

// What a run writes but for run.json, which comes last, and model.json, which
// the user may have put there.
constexpr const char* kWritten[] = {
    "steps.csv",   "counters.csv", "epochs.csv", "evaluations.csv",
    "summary.csv", "weights",      "checkpoint"};

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

bool HoldsARun(const fs::path& folder) { return Exists(folder / "run.json"); }

// Refuses what would be written over: with --out . it may be the user's own.
Status CheckIsFree(const fs::path& folder) {
  if (HoldsARun(folder)) {
    return Fail(
        "--out {}: holds a run already; name another folder, move it away, or "
        "go on with it by --resume",
        folder.string());
  }
  for (const char* name : kWritten) {
    if (!Exists(folder / name)) continue;
    return Fail(
        "--out {}: holds {} and no run.json, so it is no run to go on with, "
        "and "
        "{} would be written over; name another folder or move it away",
        folder.string(), name, name);
  }
  return {};
}

// Whether nothing was trained yet: no weights, and tables without rows.
bool IsWithoutResults(const fs::path& folder) {
  if (Exists(folder / "weights")) return false;
  for (const char* name : kWritten) {
    const auto table = ReadFile(folder / name);
    if (table && table->find('\n') + 1 < table->size()) return false;
  }
  return true;
}

// Removes what a run left that ended before it had a run.json.
Status RemoveUnbegunRun(const fs::path& folder) {
  for (const char* name : kWritten) {
    std::error_code error;
    fs::remove_all(folder / name, error);
    if (error) {
      return Fail("cannot remove {}: {}", (folder / name).string(),
                  error.message());
    }
  }
  return SyncFolder(folder);
}

// Writes model.json if it is not there. One of other bytes is another model's,
// and may be the user's own.
Status WriteModelFile(const fs::path& folder, std::string_view model_json) {
  const fs::path path = folder / "model.json";
  if (!Exists(path)) return WriteFileAtomically(path, model_json);
  ASSIGN_OR_RETURN(const std::string present, ReadFile(path));
  if (present == model_json) return {};
  return Fail(
      "{}: is another model than the one to train, of which a copy belongs "
      "there; name another folder with --out",
      path.string());
}

std::vector<Warning> WarningsOf(const FolderLock& lock) {
  if (lock.keeps_others_out()) return {};
  return {{"no_lock",
           "this file system has no locks: see to it that no other run writes "
           "to the same folder"}};
}

}  // namespace

Result<RunFolder> StartNew(const SweepConfig& config, const RunInfo& info,
                           std::string_view model_json) {
  const fs::path& out = config.out;
  // Before the lock as well, so that a folder that is not ours gets no file.
  if (!Exists(out / "batchsweep.lock")) RETURN_IF_ERROR(CheckIsFree(out));
  RETURN_IF_ERROR(MakeWritableFolder(out));
  ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Take(out));
  if (lock.is_signed() && !HoldsARun(out) && IsWithoutResults(out)) {
    RETURN_IF_ERROR(RemoveUnbegunRun(out));
  }
  RETURN_IF_ERROR(CheckIsFree(out));
  RETURN_IF_ERROR(lock.Sign());
  RETURN_IF_ERROR(WriteModelFile(out, model_json));
  ASSIGN_OR_RETURN(
      Recorder recorder,
      Recorder::Create(out, info.overhead.counters_reading_ns.has_value()));
  RETURN_IF_ERROR(recorder.Sync());
  RETURN_IF_ERROR(SyncFolder(out));
  SweepPosition position;
  position.recorded = recorder.recorded();
  RETURN_IF_ERROR(SavePosition(out / "checkpoint", position));
  RETURN_IF_ERROR(WriteRunInfo(out / "run.json", info));
  std::vector<Warning> warnings = WarningsOf(lock);
  return RunFolder{.lock = std::move(lock),
                   .position = std::move(position),
                   .warnings = std::move(warnings)};
}

Result<RunFolder> StartResumed(const SweepConfig& config,
                               int64_t train_examples,
                               OtherMachine other_machine,
                               std::string_view model_json, RunInfo& info) {
  const fs::path& out = config.out;
  if (!HoldsARun(out)) {
    return Fail(
        "--out {}: has no run.json, so no run to go on with; name its folder, "
        "or begin one without --resume",
        out.string());
  }
  ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Take(out));
  RETURN_IF_ERROR(lock.Sign());
  ASSIGN_OR_RETURN(const EarlierRun earlier,
                   AdoptEarlierRun(out / "run.json", other_machine, info));
  ASSIGN_OR_RETURN(ResumePoint point, FindResumePoint(config, train_examples));
  RETURN_IF_ERROR(WriteModelFile(out, model_json));
  if (earlier.more_epochs) {
    // Before run.json has the new number, or a crash between the two would
    // leave a run of so many epochs that seems to be complete.
    point.position = Extended(std::move(point.position));
    RETURN_IF_ERROR(SavePosition(out / "checkpoint", point.position));
  }
  // Cut off what stands behind it now, even if no cell is left to do so.
  RETURN_IF_ERROR(Recorder::Resume(out, point.position.recorded));
  std::vector<Warning> warnings = WarningsOf(lock);
  std::ranges::copy(earlier.differences, std::back_inserter(warnings));
  if (point.warning) warnings.push_back(*point.warning);
  RETURN_IF_ERROR(WriteRunInfo(out / "run.json", info));
  return RunFolder{.lock = std::move(lock),
                   .position = std::move(point.position),
                   .warnings = std::move(warnings)};
}

}  // namespace batchsweep
