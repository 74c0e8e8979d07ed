#include "record/recorder.h"

namespace batchsweep {
namespace {

constexpr const char* kStepsFile = "steps.csv";
constexpr const char* kCountersFile = "counters.csv";
constexpr const char* kEpochsFile = "epochs.csv";
constexpr const char* kSummaryFile = "summary.csv";

template <class Record>
Result<AppendFile> CreateTable(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(AppendFile file, AppendFile::Create(path));
  RETURN_IF_ERROR(file.Append(CsvHeader<Record>()));
  return file;
}

}  // namespace

Result<Recorder> Recorder::Create(const std::filesystem::path& folder,
                                  bool counters) {
  ASSIGN_OR_RETURN(AppendFile steps,
                   CreateTable<StepRecord>(folder / kStepsFile));
  std::optional<AppendFile> counts;
  if (counters) {
    ASSIGN_OR_RETURN(counts,
                     CreateTable<CounterRecord>(folder / kCountersFile));
  }
  ASSIGN_OR_RETURN(AppendFile epochs,
                   CreateTable<EpochRecord>(folder / kEpochsFile));
  ASSIGN_OR_RETURN(AppendFile summary,
                   CreateTable<SummaryRecord>(folder / kSummaryFile));
  return Recorder(std::move(steps), std::move(counts), std::move(epochs),
                  std::move(summary));
}

Result<Recorder> Recorder::Resume(const std::filesystem::path& folder,
                                  RecordedBytes recorded) {
  ASSIGN_OR_RETURN(AppendFile steps,
                   AppendFile::Resume(folder / kStepsFile, recorded.steps));
  std::optional<AppendFile> counts;
  if (recorded.counters > 0) {
    ASSIGN_OR_RETURN(
        counts, AppendFile::Resume(folder / kCountersFile, recorded.counters));
  }
  ASSIGN_OR_RETURN(AppendFile epochs,
                   AppendFile::Resume(folder / kEpochsFile, recorded.epochs));
  ASSIGN_OR_RETURN(AppendFile summary,
                   AppendFile::Resume(folder / kSummaryFile, recorded.summary));
  return Recorder(std::move(steps), std::move(counts), std::move(epochs),
                  std::move(summary));
}

Status Recorder::AppendSteps(std::span<const StepRecord> steps) {
  rows_.clear();
  for (const StepRecord& step : steps) step_rows_.Append(step, rows_);
  return steps_.Append(rows_);
}

Status Recorder::AppendCounters(std::span<const CounterRecord> counters) {
  if (counters.empty() || !counters_) return {};
  rows_.clear();
  for (const CounterRecord& record : counters) AppendCsvRow(record, rows_);
  return counters_->Append(rows_);
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
  if (counters_) RETURN_IF_ERROR(counters_->Sync());
  RETURN_IF_ERROR(epochs_.Sync());
  return summary_.Sync();
}

RecordedBytes Recorder::recorded() const {
  return {.steps = steps_.size_bytes(),
          .counters = counters_ ? counters_->size_bytes() : 0,
          .epochs = epochs_.size_bytes(),
          .summary = summary_.size_bytes()};
}

}  // namespace batchsweep
