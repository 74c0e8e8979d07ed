#include "record/recorder.h"

#include <algorithm>
#include <format>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "record/earlier_run.h"

namespace batchsweep {
namespace {

constexpr const char* kRunFile = "run.json";
constexpr const char* kStepsFile = "steps.csv";
constexpr const char* kCountersFile = "counters.csv";
constexpr const char* kEpochsFile = "epochs.csv";
constexpr const char* kEvaluationsFile = "evaluations.csv";
constexpr const char* kSummaryFile = "summary.csv";

template <class Record>
Result<Table> CreateTable(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(AppendFile file, AppendFile::Create(path));
  Table table{.file = std::move(file), .recorded = {}};
  RETURN_IF_ERROR(table.Append(CsvHeader<Record>()));
  return table;
}

Result<Table> ResumeTable(const std::filesystem::path& path,
                          const Checksum& recorded) {
  ASSIGN_OR_RETURN(AppendFile file, AppendFile::Resume(path, recorded.bytes));
  return Table{.file = std::move(file), .recorded = recorded};
}

// The first column of `found` that is not that of `expected`, in words; two
// header lines.
std::string DifferenceOf(std::string_view found, std::string_view expected) {
  const auto take = [](std::string_view& line) {
    const std::string_view column = line.substr(0, line.find(','));
    line.remove_prefix(std::min(column.size() + 1, line.size()));
    return column;
  };
  for (int number = 1; !found.empty() || !expected.empty(); ++number) {
    const std::string_view is = take(found), should_be = take(expected);
    if (is == should_be) continue;
    return std::format("column {} is \"{}\", expected \"{}\"", number, is,
                       should_be);
  }
  return "its header line has no end";
}

Status CheckHeader(const std::filesystem::path& path,
                   const std::string& expected) {
  // With room to name a column that is not expected.
  std::string found(expected.size() + 80, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(found.data(), std::ssize(found));
  found.resize(static_cast<size_t>(file.gcount()));
  if (found.starts_with(expected)) return {};
  return Fail(
      "{}: {}; go on with the batchsweep that began this run or name another "
      "folder with --out",
      path.string(),
      DifferenceOf(found.substr(0, found.find('\n')),
                   std::string_view(expected).substr(0, expected.size() - 1)));
}

// Whether the rows of a Record can be appended to what was recorded of a table.
template <class Record>
Status CheckTable(const std::filesystem::path& path, const Checksum& recorded) {
  std::error_code error;
  const auto size_bytes = std::filesystem::file_size(path, error);
  if (error) {
    return Fail(
        "{}: {}, expected a table of at least {} bytes; put it back or name "
        "another folder with --out",
        path.string(), error.message(), recorded.bytes);
  }
  RETURN_IF_ERROR(CheckHeader(path, CsvHeader<Record>()));
  if (static_cast<int64_t>(size_bytes) < recorded.bytes) {
    return Fail(
        "{}: holds {} bytes, expected the {} that were recorded; put them back "
        "or name another folder with --out",
        path.string(), size_bytes, recorded.bytes);
  }
  ASSIGN_OR_RETURN(const Checksum found, ChecksumOfFile(path, recorded.bytes));
  if (found == recorded) return {};
  return Fail(
      "{}: its first {} bytes are not those that were recorded; put them back "
      "or name another folder with --out",
      path.string(), recorded.bytes);
}

}  // namespace

Status CheckTables(const std::filesystem::path& folder,
                   const RecordedTables& recorded) {
  RETURN_IF_ERROR(CheckRunInfo(folder / kRunFile));
  RETURN_IF_ERROR(CheckTable<StepRecord>(folder / kStepsFile, recorded.steps));
  if (recorded.counters.bytes > 0) {
    RETURN_IF_ERROR(
        CheckTable<CounterRecord>(folder / kCountersFile, recorded.counters));
  }
  RETURN_IF_ERROR(
      CheckTable<EpochRecord>(folder / kEpochsFile, recorded.epochs));
  RETURN_IF_ERROR(CheckTable<EvaluationRecord>(folder / kEvaluationsFile,
                                               recorded.evaluations));
  return CheckTable<SummaryRecord>(folder / kSummaryFile, recorded.summary);
}

Status Table::Append(std::string_view rows) {
  RETURN_IF_ERROR(file.Append(rows));
  recorded.Add(rows);
  return {};
}

Result<Recorder> Recorder::Create(const std::filesystem::path& folder,
                                  bool counters) {
  ASSIGN_OR_RETURN(Table steps, CreateTable<StepRecord>(folder / kStepsFile));
  std::optional<Table> counts;
  if (counters) {
    ASSIGN_OR_RETURN(counts,
                     CreateTable<CounterRecord>(folder / kCountersFile));
  }
  ASSIGN_OR_RETURN(Table epochs,
                   CreateTable<EpochRecord>(folder / kEpochsFile));
  ASSIGN_OR_RETURN(Table evaluations,
                   CreateTable<EvaluationRecord>(folder / kEvaluationsFile));
  ASSIGN_OR_RETURN(Table summary,
                   CreateTable<SummaryRecord>(folder / kSummaryFile));
  return Recorder(std::move(steps), std::move(counts), std::move(epochs),
                  std::move(evaluations), std::move(summary));
}

Result<Recorder> Recorder::Resume(const std::filesystem::path& folder,
                                  const RecordedTables& recorded) {
  ASSIGN_OR_RETURN(Table steps,
                   ResumeTable(folder / kStepsFile, recorded.steps));
  std::optional<Table> counts;
  if (recorded.counters.bytes > 0) {
    ASSIGN_OR_RETURN(counts,
                     ResumeTable(folder / kCountersFile, recorded.counters));
  }
  ASSIGN_OR_RETURN(Table epochs,
                   ResumeTable(folder / kEpochsFile, recorded.epochs));
  ASSIGN_OR_RETURN(Table evaluations, ResumeTable(folder / kEvaluationsFile,
                                                  recorded.evaluations));
  ASSIGN_OR_RETURN(Table summary,
                   ResumeTable(folder / kSummaryFile, recorded.summary));
  return Recorder(std::move(steps), std::move(counts), std::move(epochs),
                  std::move(evaluations), std::move(summary));
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

Status Recorder::AppendEvaluation(const EvaluationRecord& evaluation) {
  rows_.clear();
  AppendCsvRow(evaluation, rows_);
  return evaluations_.Append(rows_);
}

Status Recorder::AppendSummary(const SummaryRecord& summary) {
  rows_.clear();
  AppendCsvRow(summary, rows_);
  return summary_.Append(rows_);
}

Status Recorder::Sync() {
  RETURN_IF_ERROR(steps_.file.Sync());
  if (counters_) RETURN_IF_ERROR(counters_->file.Sync());
  RETURN_IF_ERROR(epochs_.file.Sync());
  RETURN_IF_ERROR(evaluations_.file.Sync());
  return summary_.file.Sync();
}

RecordedTables Recorder::recorded() const {
  return {.steps = steps_.recorded,
          .counters = counters_ ? counters_->recorded : Checksum(),
          .epochs = epochs_.recorded,
          .evaluations = evaluations_.recorded,
          .summary = summary_.recorded};
}

}  // namespace batchsweep
