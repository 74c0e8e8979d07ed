#include "record/recorder.h"

#include "record/csv.h"

namespace batchsweep {
namespace {

constexpr const char* kStepsFile = "steps.csv";
constexpr const char* kEpochsFile = "epochs.csv";
constexpr const char* kSummaryFile = "summary.csv";

template <class Record>
Result<AppendFile> CreateTable(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(AppendFile file, AppendFile::Create(path));
  RETURN_IF_ERROR(file.Append(CsvHeader<Record>()));
  return file;
}

}  // namespace

Result<Recorder> Recorder::Create(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(AppendFile steps,
                   CreateTable<StepRecord>(folder / kStepsFile));
  ASSIGN_OR_RETURN(AppendFile epochs,
                   CreateTable<EpochRecord>(folder / kEpochsFile));
  ASSIGN_OR_RETURN(AppendFile summary,
                   CreateTable<SummaryRecord>(folder / kSummaryFile));
  return Recorder(std::move(steps), std::move(epochs), std::move(summary));
}

Result<Recorder> Recorder::Resume(const std::filesystem::path& folder,
                                  RecordedBytes recorded) {
  ASSIGN_OR_RETURN(AppendFile steps,
                   AppendFile::Resume(folder / kStepsFile, recorded.steps));
  ASSIGN_OR_RETURN(AppendFile epochs,
                   AppendFile::Resume(folder / kEpochsFile, recorded.epochs));
  ASSIGN_OR_RETURN(AppendFile summary,
                   AppendFile::Resume(folder / kSummaryFile, recorded.summary));
  return Recorder(std::move(steps), std::move(epochs), std::move(summary));
}

Status Recorder::AppendSteps(std::span<const StepRecord> steps) {
  rows_.clear();
  for (const StepRecord& step : steps) AppendCsvRow(step, rows_);
  return steps_.Append(rows_);
}

Status Recorder::AppendEpoch(const EpochRecord& epoch) {
  rows_.clear();
  AppendCsvRow(epoch, rows_);
  return epochs_.Append(rows_);
}

Status Recorder::AppendSummary(const SummaryRecord& summary) {
  rows_.clear();
  AppendCsvRow(summary, rows_);
  return summary_.Append(rows_);
}

Status Recorder::Sync() {
  RETURN_IF_ERROR(steps_.Sync());
  RETURN_IF_ERROR(epochs_.Sync());
  return summary_.Sync();
}

RecordedBytes Recorder::recorded() const {
  return {.steps = steps_.size_bytes(),
          .epochs = epochs_.size_bytes(),
          .summary = summary_.size_bytes()};
}

}  // namespace batchsweep
