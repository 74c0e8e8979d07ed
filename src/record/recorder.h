// The tables of a run: steps.csv, epochs.csv, evaluations.csv and summary.csv,
// and counters.csv where the CPU counts.
//
// They are written between epochs only, whole rows at a time, so that what a
// run leaves behind when it is stopped can be read and plotted.
#ifndef BATCHSWEEP_RECORD_RECORDER_H_
#define BATCHSWEEP_RECORD_RECORDER_H_

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "platform/append_file.h"
#include "platform/error.h"
#include "record/counter_record.h"
#include "record/csv_writer.h"
#include "record/epoch_record.h"
#include "record/evaluation_record.h"
#include "record/step_record.h"
#include "record/summary_record.h"
#include "util/checksum.h"
#include "util/fields.h"

namespace batchsweep {

// How much of each table counts, and its checksum: what a checkpoint remembers,
// so that a resumed run cuts off the rows of steps that it will make again and
// finds out if the others were changed.
struct RecordedTables {
  Checksum steps;
  Checksum counters;  // 0 bytes: there is no such table
  Checksum epochs;
  Checksum evaluations;
  Checksum summary;

  static constexpr auto Fields() {
    using R = RecordedTables;
    return FieldList<&R::steps, &R::counters, &R::epochs, &R::evaluations,
                     &R::summary>();
  }
};

// Whether the tables in `folder` and its run.json can be gone on with: an error
// names the file that is of another version, is missing, holds less than was
// recorded, or was changed since. Reads all that was recorded.
Status CheckTables(const std::filesystem::path& folder,
                   const RecordedTables& recorded);

// A table under way.
struct Table {
  AppendFile file;
  Checksum recorded;

  Status Append(std::string_view rows);
};

class Recorder {
 public:
  // Starts the tables in `folder`, which exists, with their header lines. An
  // error if there is a file by a table's name.
  static Result<Recorder> Create(const std::filesystem::path& folder,
                                 bool counters = false);
  // Goes on with the tables of an earlier run; what stands behind `recorded` is
  // cut off. REQUIRES: CheckTables() found them good.
  static Result<Recorder> Resume(const std::filesystem::path& folder,
                                 const RecordedTables& recorded);

  Status AppendSteps(std::span<const StepRecord> steps);
  // Nothing where there is no such table: a run gone on with keeps its own.
  Status AppendCounters(std::span<const CounterRecord> counters);
  Status AppendEpoch(const EpochRecord& epoch);
  Status AppendEvaluation(const EvaluationRecord& evaluation);
  Status AppendSummary(const SummaryRecord& summary);

  // Waits until all rows are on the disk.
  Status Sync();
  RecordedTables recorded() const;

 private:
  Recorder(Table steps, std::optional<Table> counters, Table epochs,
           Table evaluations, Table summary)
      : steps_(std::move(steps)),
        counters_(std::move(counters)),
        epochs_(std::move(epochs)),
        evaluations_(std::move(evaluations)),
        summary_(std::move(summary)) {}

  Table steps_;
  std::optional<Table> counters_;
  Table epochs_;
  Table evaluations_;
  Table summary_;
  std::string rows_;  // reused, so that its memory is taken once
  CsvRows<StepRecord> step_rows_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_RECORDER_H_
