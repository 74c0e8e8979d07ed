// Trainer: the steps of one cell, that is, of one batch size and seed.
//
// A step is load, forward, backward, update, each between two readings of the
// clock; nothing else happens between them. In a step no memory is allocated
// and no file is touched: its measurements go to a buffer that was there
// before.
#ifndef BATCHSWEEP_TRAIN_TRAINER_H_
#define BATCHSWEEP_TRAIN_TRAINER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "data/batcher.h"
#include "data/dataset.h"
#include "graph/network.h"
#include "measure/phase_clock.h"
#include "measure/step_flags.h"
#include "measure/step_statistics.h"
#include "platform/counters.h"
#include "platform/error.h"
#include "record/cell.h"
#include "record/counter_record.h"
#include "record/epoch_record.h"
#include "record/step_record.h"
#include "record/summary_record.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/step.h"
#include "util/fields.h"

namespace batchsweep {

struct TrainingData {
  ExampleRange train;
  ExampleRange validation;
  ExampleRange test;
};

// When training ends. Exactly one is given.
struct Budget {
  std::optional<int64_t> epochs;
  std::optional<int64_t> steps;
  std::optional<double> seconds;  // of step time
};

struct CellConfig {
  int64_t batch_size = 32;
  uint64_t seed = 1;
  Budget budget;
  bool shuffle = true;
  OptimizerConfig optimizer;
  int process = 1;
  std::optional<double> target_accuracy;  // see SummaryRecord
};

// Steps at the start of a cell, and of one gone on with, that are not part of
// its statistics; fewer where the budget has less than ten times as many.
inline constexpr int64_t kWarmupSteps = 20;

// Step times of a cell that there is room for from the start; of more, memory
// grows between epochs.
inline constexpr int64_t kReservedSteps = 1 << 20;

// What is kept of a step: RecordOf() makes a row of it.
struct StepMeasurement {
  int64_t start_ns = 0;  // by MonotonicNs()
  std::array<int64_t, kPhases.size()> phase_ns = {};
  int32_t examples = 0;
  float loss = 0.0f;
  float accuracy = 0.0f;  // meaningless where the loss tells no classes
  StepFlags flags;

  int64_t time_ns(Phase phase) const {
    return phase_ns[static_cast<size_t>(phase)];
  }
  int64_t step_time_ns() const {
    return std::accumulate(phase_ns.begin(), phase_ns.end(), int64_t{0});
  }
};

// How far a cell has come: with the network's weights and optimizer state, all
// that decides the steps to come.
struct CellState {
  int64_t epoch = 1;     // the one under way
  int64_t position = 0;  // examples of it already trained on
  int64_t step = 0;      // steps made, through all epochs
  // Of the epoch under way.
  int64_t epoch_steps = 0;
  double epoch_loss_sum = 0.0;
  int64_t epoch_correct = 0;
  int64_t epoch_train_time_ns = 0;
  std::optional<double> epoch_energy_joules = 0.0;
  // Of finished epochs.
  int64_t epochs_done = 0;
  std::optional<double> best_val_loss;  // absent before the first validation
  int64_t best_epoch = 0;
  double final_val_loss = 0.0;
  std::optional<double> final_val_accuracy;

  int64_t train_time_ns = 0;
  std::optional<double> train_energy_joules = 0.0;
  std::optional<int64_t> time_to_target_ns;
  std::optional<double> energy_to_target_joules;

  int64_t examples = 0;  // trained on, through all epochs
  int64_t step_time_sum_ns = 0;
  int64_t elapsed_ns = 0;  // of earlier sessions, when resumed
  bool diverged = false;   // an output or weight was not finite: training
                           // stopped there
  // One entry a step, in nanoseconds; float keeps seven digits of it.
  std::vector<float> step_times_ns;
  std::vector<StepFlags> step_flags;

  static constexpr auto Fields() {
    using S = CellState;
    return FieldList<
        &S::epoch, &S::position, &S::step, &S::epoch_steps, &S::epoch_loss_sum,
        &S::epoch_correct, &S::epoch_train_time_ns, &S::epoch_energy_joules,
        &S::epochs_done, &S::best_val_loss, &S::best_epoch, &S::final_val_loss,
        &S::final_val_accuracy, &S::train_time_ns, &S::train_energy_joules,
        &S::time_to_target_ns, &S::energy_to_target_joules, &S::examples,
        &S::step_time_sum_ns, &S::elapsed_ns, &S::diverged,
        kLeftOut<&S::step_times_ns>, kLeftOut<&S::step_flags>>();
  }
};

class Trainer {
 public:
  enum class Outcome { kEpochDone, kBudgetSpent, kInterrupted, kDiverged };

  // Looked at between steps, ten times a second.
  struct Hooks {
    std::function<void()> on_tick = [] {};
    std::function<bool()> interrupted = [] { return false; };
  };

  // All outlive the trainer. REQUIRES: the network was planned with
  // max_batch >= config.batch_size and the optimizer's slots. `counters` may be
  // null.
  Trainer(const TrainingData& data, const CellConfig& config,
          ComputeContext context, const Counters* counters, Network& network);

  // Goes on with the epoch under way until it, the budget, or patience ends.
  // Each of its steps is one of measurements().
  Result<Outcome> TrainEpoch(const Hooks& hooks);

  // Of the last TrainEpoch().
  std::span<const StepMeasurement> measurements() const {
    return measurements_;
  }
  std::span<const CounterRecord> counter_records() const {
    return counter_records_;
  }
  // The row of measurements()[index], without what the board's state adds.
  StepRecord RecordOf(size_t index) const;
  // Says what disturbed that step, and what power the last TrainEpoch() drew.
  void Flag(size_t index, StepFlags flags);
  void AddEnergy(std::optional<double> joules);

  // Validates and closes the epoch under way.
  Result<EpochRecord> FinishEpoch();

  // Tests the weights as they are, and sums up.
  struct Summary {
    SummaryRecord record;
    StepStatistics statistics;
  };
  Result<Summary> Summarize();

  // With several threads: times loading and updating on one and on all, and
  // keeps the faster for each; then a whole step with all that was chosen, here
  // and by the network, and on one thread alone. Threads that speed up single
  // operations can slow the whole step, because data then moves between cores.
  // The network's weights and optimizer state are gone then.
  Status ChooseThreads();

  // Trains without a record for that long, so that the board is as warm as it
  // gets. The network's weights and optimizer state are gone then.
  Status Soak(double seconds, const Hooks& hooks);

  // To continue where another trainer stopped; before the first TrainEpoch().
  void Restore(CellState state) { state_ = std::move(state); }
  const CellState& state() const { return state_; }

  // One step on `rows` of the training set. TrainEpoch() is made of these.
  // REQUIRES: room in the buffer, that is, fewer steps since the last
  // TrainEpoch() began than an epoch has.
  Status Step(std::span<const uint32_t> rows);

 private:
  StepContext Context();
  CellKey Key() const;
  bool CountsNextStep() const;
  bool BudgetSpent() const;
  std::optional<int64_t> PlannedSteps() const;
  void CloseEpoch(const EpochRecord& record);

  const TrainingData& data_;
  const CellConfig config_;
  const ComputeContext context_;
  const Counters* counters_;  // null without any count
  StepPools pools_;
  Network& network_;
  Batcher batcher_;
  const int64_t whole_batch_;  // examples of all steps but an epoch's last
  const bool tells_classes_;   // whether there is an accuracy
  CellState state_;
  std::vector<StepMeasurement> measurements_;
  std::vector<CounterRecord> counter_records_;
  int64_t counting_time_ns_ = 0;  // spent on reading the counters
  int64_t first_step_ = 0;        // before measurements_, through all epochs
  int64_t epoch_ = 1;             // of measurements_
  int64_t warmup_left_ = 0;
  int64_t unix_offset_ns_ = 0;  // when the last TrainEpoch() began
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_TRAINER_H_
