// The tables of a run: steps.csv, epochs.csv and summary.csv, and counters.csv
// where the CPU counts.
//
// They are written between epochs only, whole rows at a time, so that what a
// run leaves behind when it is stopped can be read and plotted.
#ifndef BATCHSWEEP_RECORD_RECORDER_H_
#define BATCHSWEEP_RECORD_RECORDER_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "platform/error.h"
#include "platform/file.h"
#include "record/counter_record.h"
#include "record/csv_writer.h"
#include "record/epoch_record.h"
#include "record/step_record.h"
#include "record/summary_record.h"
#include "util/fields.h"

namespace batchsweep {

// How much of each table counts: what a checkpoint remembers, so that a resumed
// run cuts off the rows of steps that it will make again.
struct RecordedBytes {
  int64_t steps = 0;
  int64_t counters = 0;  // 0: there is no such table
  int64_t epochs = 0;
  int64_t summary = 0;

  static constexpr auto Fields() {
    using R = RecordedBytes;
    return FieldList<&R::steps, &R::counters, &R::epochs, &R::summary>();
  }
};

class Recorder {
 public:
  // Starts the tables in `folder`, which exists, with their header lines.
  static Result<Recorder> Create(const std::filesystem::path& folder,
                                 bool counters = false);
  // Goes on with the tables of an earlier run; what stands behind `recorded` is
  // cut off. Refuses tables and a run.json of another version, a table that is
  // missing or holds less than was recorded, and then leaves all as it was.
  static Result<Recorder> Resume(const std::filesystem::path& folder,
                                 RecordedBytes recorded);

  Status AppendSteps(std::span<const StepRecord> steps);
  // Nothing where there is no such table: a run gone on with keeps its own.
  Status AppendCounters(std::span<const CounterRecord> counters);
  Status AppendEpoch(const EpochRecord& epoch);
  Status AppendSummary(const SummaryRecord& summary);

  // Waits until all rows are on the disk.
  Status Sync();
  RecordedBytes recorded() const;

 private:
  Recorder(AppendFile steps, std::optional<AppendFile> counters,
           AppendFile epochs, AppendFile summary)
      : steps_(std::move(steps)),
        counters_(std::move(counters)),
        epochs_(std::move(epochs)),
        summary_(std::move(summary)) {}

  AppendFile steps_;
  std::optional<AppendFile> counters_;
  AppendFile epochs_;
  AppendFile summary_;
  std::string rows_;  // reused, so that its memory is taken once
  CsvRows<StepRecord> step_rows_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_RECORDER_H_
