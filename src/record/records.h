// The rows of the result files. Columns are the fields, in this order and by
// these names; a unit is the name's ending. An absent value is an empty cell.
#ifndef BATCHSWEEP_RECORD_RECORDS_H_
#define BATCHSWEEP_RECORD_RECORDS_H_

#include <cstdint>
#include <optional>
#include <tuple>

#include "measure/step_flags.h"

namespace batchsweep {

// steps.csv: one training step.
struct StepRecord {
  int64_t batch_size = 0;  // of the sweep; the last step of an epoch may be
                           // smaller, see examples
  uint64_t seed = 0;
  int threads = 0;
  int process = 1;    // of those that repeat the same cell, from 1
  int64_t epoch = 0;  // from 1
  int64_t step = 0;   // from 1, through all epochs of this batch size and seed
  int64_t examples = 0;
  float loss = 0.0f;              // mean over the batch, before its update
  std::optional<float> accuracy;  // of the same predictions; absent where the
                                  // loss tells no classes apart
  int64_t start_unix_ns = 0;      // when it began, since 1970 in UTC
  int64_t step_time_ns = 0;       // the sum of the next four
  int64_t load_time_ns = 0;
  int64_t forward_time_ns = 0;   // with the loss
  int64_t backward_time_ns = 0;  // with the loss' gradient
  int64_t update_time_ns = 0;
  int64_t arena_bytes = 0;
  // Of the readings that cover the step, see measure/readings.h; absent where
  // there are none.
  std::optional<int64_t> rss_bytes;
  std::optional<int64_t> peak_rss_bytes;  // since this cell's process began
  std::optional<int64_t> swap_bytes;
  std::optional<double> cpu_temp_celsius;
  std::optional<double> cpu_freq_hz;
  std::optional<bool> throttled;
  std::optional<double> power_watts;
  std::optional<double> energy_joules;  // power times step time
  StepFlags flags;
};

// counters.csv: what the CPU counted in one phase of one step. Only every so
// many steps are counted, so that counting stays cheap, and none where the CPU
// or the system gives no counts.
struct CounterRecord {
  int64_t batch_size = 0;
  uint64_t seed = 0;
  int threads = 0;
  int process = 1;
  int64_t epoch = 0;
  int64_t step = 0;
  const char* phase = "";  // "load", "forward", "backward" or "update"
  int64_t time_ns = 0;
  std::optional<int64_t> cycles;  // these four: of all threads, in user mode
  std::optional<int64_t> instructions;
  std::optional<int64_t> cache_misses;
  std::optional<int64_t> branch_misses;
};

// epochs.csv: one pass over the training examples and its validation. Losses
// and accuracies of training are means over the epoch's examples while the
// weights were changing, as Keras reports them.
struct EpochRecord {
  int64_t batch_size = 0;
  uint64_t seed = 0;
  int threads = 0;
  int process = 1;
  int64_t epoch = 0;
  int64_t steps = 0;
  double train_loss = 0.0;
  std::optional<double> train_accuracy;
  double val_loss = 0.0;
  std::optional<double> val_accuracy;
  int64_t train_time_ns = 0;  // from the shuffle to the last step, on the clock
  int64_t val_time_ns = 0;
  // Drawn during train_time_ns; absent unless readings cover all of it.
  std::optional<double> train_energy_joules;
};

// summary.csv: one cell, that is, one batch size, seed, number of threads and
// process, from its first weights to its test. Statistics of step times leave
// out the warm-up and steps on fewer examples than the others.
struct SummaryRecord {
  int64_t batch_size = 0;
  uint64_t seed = 0;
  int threads = 0;
  int process = 1;
  int64_t epochs = 0;
  int64_t steps = 0;
  double best_val_loss = 0.0;
  int64_t best_epoch = 0;
  double final_val_loss = 0.0;
  std::optional<double> final_val_accuracy;
  double test_loss = 0.0;
  std::optional<double> test_accuracy;
  int64_t warmup_steps = 0;
  int64_t flagged_steps = 0;  // of the others, see StepFlags::Disturbed()
  int64_t step_time_median_ns = 0;
  int64_t step_time_median_low_ns = 0;   // 95 % confidence interval, see
  int64_t step_time_median_high_ns = 0;  // MedianInterval()
  int64_t step_time_mad_ns = 0;  // median absolute deviation from the median
  int64_t step_time_p5_ns = 0;
  int64_t step_time_p95_ns = 0;
  int64_t step_time_p99_ns = 0;
  // Without flagged steps; absent if that leaves none.
  std::optional<int64_t> clean_step_time_median_ns;
  std::optional<int64_t> clean_step_time_p95_ns;
  double examples_per_second = 0.0;  // trained, over the sum of step times
  // What this machine's arithmetic and memory allow for such a step, see
  // measure/roofline.h, and which part of that speed the median step reached.
  int64_t limit_time_ns = 0;
  double limit_fraction = 0.0;
  int64_t arena_bytes = 0;
  // Before the cell's own memory was taken, plus what was planned for it; to
  // compare with the peak, which is the process' own.
  std::optional<int64_t> planned_rss_bytes;
  std::optional<int64_t> peak_rss_bytes;
  std::optional<int64_t> rss_anon_bytes;  // at the end of training, as swap
  std::optional<int64_t> swap_bytes;
  // During training, see SensorReading; since it was resumed, if it was.
  std::optional<int64_t> over_current_events;
  std::optional<double> train_energy_joules;  // absent if an epoch's is
  // Training only, until the end of the first epoch whose validation accuracy
  // reached --target-accuracy; absent if none did.
  std::optional<int64_t> time_to_target_ns;
  std::optional<double> energy_to_target_joules;
  int64_t cool_wait_ns = 0;   // waited for --cool-to, before total_time_ns
  int64_t total_time_ns = 0;  // all of it: set-up, soaking, training,
                              // validation, test, writing the rows
};

template <class Record, class Value>
struct Column {
  const char* name;
  Value Record::* field;
};
template <class Record, class Value>
Column(const char*, Value Record::*) -> Column<Record, Value>;

#define BATCHSWEEP_COLUMN(record, field) \
  Column { #field, &record::field }

// The columns of a record, for CsvHeader() and AppendCsvRow() of csv.h.
inline constexpr auto ColumnsOf(const StepRecord*) {
  return std::tuple(BATCHSWEEP_COLUMN(StepRecord, batch_size),
                    BATCHSWEEP_COLUMN(StepRecord, seed),
                    BATCHSWEEP_COLUMN(StepRecord, threads),
                    BATCHSWEEP_COLUMN(StepRecord, process),
                    BATCHSWEEP_COLUMN(StepRecord, epoch),
                    BATCHSWEEP_COLUMN(StepRecord, step),
                    BATCHSWEEP_COLUMN(StepRecord, examples),
                    BATCHSWEEP_COLUMN(StepRecord, loss),
                    BATCHSWEEP_COLUMN(StepRecord, accuracy),
                    BATCHSWEEP_COLUMN(StepRecord, start_unix_ns),
                    BATCHSWEEP_COLUMN(StepRecord, step_time_ns),
                    BATCHSWEEP_COLUMN(StepRecord, load_time_ns),
                    BATCHSWEEP_COLUMN(StepRecord, forward_time_ns),
                    BATCHSWEEP_COLUMN(StepRecord, backward_time_ns),
                    BATCHSWEEP_COLUMN(StepRecord, update_time_ns),
                    BATCHSWEEP_COLUMN(StepRecord, arena_bytes),
                    BATCHSWEEP_COLUMN(StepRecord, rss_bytes),
                    BATCHSWEEP_COLUMN(StepRecord, peak_rss_bytes),
                    BATCHSWEEP_COLUMN(StepRecord, swap_bytes),
                    BATCHSWEEP_COLUMN(StepRecord, cpu_temp_celsius),
                    BATCHSWEEP_COLUMN(StepRecord, cpu_freq_hz),
                    BATCHSWEEP_COLUMN(StepRecord, throttled),
                    BATCHSWEEP_COLUMN(StepRecord, power_watts),
                    BATCHSWEEP_COLUMN(StepRecord, energy_joules),
                    BATCHSWEEP_COLUMN(StepRecord, flags));
}

inline constexpr auto ColumnsOf(const CounterRecord*) {
  return std::tuple(BATCHSWEEP_COLUMN(CounterRecord, batch_size),
                    BATCHSWEEP_COLUMN(CounterRecord, seed),
                    BATCHSWEEP_COLUMN(CounterRecord, threads),
                    BATCHSWEEP_COLUMN(CounterRecord, process),
                    BATCHSWEEP_COLUMN(CounterRecord, epoch),
                    BATCHSWEEP_COLUMN(CounterRecord, step),
                    BATCHSWEEP_COLUMN(CounterRecord, phase),
                    BATCHSWEEP_COLUMN(CounterRecord, time_ns),
                    BATCHSWEEP_COLUMN(CounterRecord, cycles),
                    BATCHSWEEP_COLUMN(CounterRecord, instructions),
                    BATCHSWEEP_COLUMN(CounterRecord, cache_misses),
                    BATCHSWEEP_COLUMN(CounterRecord, branch_misses));
}

inline constexpr auto ColumnsOf(const EpochRecord*) {
  return std::tuple(BATCHSWEEP_COLUMN(EpochRecord, batch_size),
                    BATCHSWEEP_COLUMN(EpochRecord, seed),
                    BATCHSWEEP_COLUMN(EpochRecord, threads),
                    BATCHSWEEP_COLUMN(EpochRecord, process),
                    BATCHSWEEP_COLUMN(EpochRecord, epoch),
                    BATCHSWEEP_COLUMN(EpochRecord, steps),
                    BATCHSWEEP_COLUMN(EpochRecord, train_loss),
                    BATCHSWEEP_COLUMN(EpochRecord, train_accuracy),
                    BATCHSWEEP_COLUMN(EpochRecord, val_loss),
                    BATCHSWEEP_COLUMN(EpochRecord, val_accuracy),
                    BATCHSWEEP_COLUMN(EpochRecord, train_time_ns),
                    BATCHSWEEP_COLUMN(EpochRecord, val_time_ns),
                    BATCHSWEEP_COLUMN(EpochRecord, train_energy_joules));
}

inline constexpr auto ColumnsOf(const SummaryRecord*) {
  return std::tuple(BATCHSWEEP_COLUMN(SummaryRecord, batch_size),
                    BATCHSWEEP_COLUMN(SummaryRecord, seed),
                    BATCHSWEEP_COLUMN(SummaryRecord, threads),
                    BATCHSWEEP_COLUMN(SummaryRecord, process),
                    BATCHSWEEP_COLUMN(SummaryRecord, epochs),
                    BATCHSWEEP_COLUMN(SummaryRecord, steps),
                    BATCHSWEEP_COLUMN(SummaryRecord, best_val_loss),
                    BATCHSWEEP_COLUMN(SummaryRecord, best_epoch),
                    BATCHSWEEP_COLUMN(SummaryRecord, final_val_loss),
                    BATCHSWEEP_COLUMN(SummaryRecord, final_val_accuracy),
                    BATCHSWEEP_COLUMN(SummaryRecord, test_loss),
                    BATCHSWEEP_COLUMN(SummaryRecord, test_accuracy),
                    BATCHSWEEP_COLUMN(SummaryRecord, warmup_steps),
                    BATCHSWEEP_COLUMN(SummaryRecord, flagged_steps),
                    BATCHSWEEP_COLUMN(SummaryRecord, step_time_median_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, step_time_median_low_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, step_time_median_high_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, step_time_mad_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, step_time_p5_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, step_time_p95_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, step_time_p99_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, clean_step_time_median_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, clean_step_time_p95_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, examples_per_second),
                    BATCHSWEEP_COLUMN(SummaryRecord, limit_time_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, limit_fraction),
                    BATCHSWEEP_COLUMN(SummaryRecord, arena_bytes),
                    BATCHSWEEP_COLUMN(SummaryRecord, planned_rss_bytes),
                    BATCHSWEEP_COLUMN(SummaryRecord, peak_rss_bytes),
                    BATCHSWEEP_COLUMN(SummaryRecord, rss_anon_bytes),
                    BATCHSWEEP_COLUMN(SummaryRecord, swap_bytes),
                    BATCHSWEEP_COLUMN(SummaryRecord, over_current_events),
                    BATCHSWEEP_COLUMN(SummaryRecord, train_energy_joules),
                    BATCHSWEEP_COLUMN(SummaryRecord, time_to_target_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, energy_to_target_joules),
                    BATCHSWEEP_COLUMN(SummaryRecord, cool_wait_ns),
                    BATCHSWEEP_COLUMN(SummaryRecord, total_time_ns));
}

#undef BATCHSWEEP_COLUMN

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_RECORDS_H_
