// Trainer: the steps of one batch size and seed.
//
// A step is load, forward, backward, update, each between two readings of the
// clock; nothing else happens between them. In a step no memory is allocated
// and no file is touched: rows go to a buffer that was there before, and the
// board is looked at between steps, ten times a second.
#ifndef BATCHSWEEP_TRAIN_TRAINER_H_
#define BATCHSWEEP_TRAIN_TRAINER_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "data/batcher.h"
#include "data/dataset.h"
#include "graph/network.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/records.h"
#include "train/evaluate.h"
#include "train/optimizer.h"

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
  // Of finished epochs.
  int64_t epochs_done = 0;
  double best_val_loss = std::numeric_limits<double>::infinity();
  int64_t best_epoch = 0;
  double final_val_loss = 0.0;
  std::optional<double> final_val_accuracy;

  int64_t examples = 0;  // trained on, through all epochs
  int64_t step_time_sum_ns = 0;
  int64_t elapsed_ns = 0;  // of earlier sessions, when resumed
  bool diverged = false;   // an output or weight was not finite: training
                           // stopped there
  // One entry a step, in nanoseconds; float keeps seven digits of it.
  std::vector<float> step_times_ns;
};

class Trainer {
 public:
  enum class Outcome { kEpochDone, kBudgetSpent, kInterrupted, kDiverged };

  // Looked at between steps, ten times a second.
  struct Hooks {
    std::function<void(const StepRecord&)> on_tick = [](const StepRecord&) {};
    std::function<bool()> interrupted = [] { return false; };
  };

  // All outlive the trainer. REQUIRES: network.Allocate() was called with
  // max_batch >= config.batch_size and the optimizer's slots.
  Trainer(const TrainingData& data, const CellConfig& config,
          ComputeContext context, const Sensors& sensors, Network& network);

  // Goes on with the epoch under way until it, the budget, or patience ends.
  // Each of its steps is one of records().
  Result<Outcome> TrainEpoch(const Hooks& hooks);

  // Validates and closes the epoch under way.
  Result<EpochRecord> FinishEpoch();

  // Tests the weights as they are.
  Result<SummaryRecord> Summarize();

  // The steps of the last TrainEpoch().
  std::span<const StepRecord> records() const { return records_; }

  // Lets the network use the number of threads that is faster, see
  // Network::ChooseThreads(). Its weights and optimizer state are gone then.
  void ChooseThreads();

  // To continue where another trainer stopped; before the first TrainEpoch().
  void Restore(CellState state) { state_ = std::move(state); }
  const CellState& state() const { return state_; }

  // One step on `rows` of the training set. TrainEpoch() is made of these.
  // REQUIRES: room in the record buffer, that is, fewer steps since the last
  // TrainEpoch() began than an epoch has.
  Status Step(std::span<const uint32_t> rows);

 private:
  void Tick(int64_t now_ns);
  bool BudgetSpent() const;

  const TrainingData& data_;
  const CellConfig config_;
  const ComputeContext context_;
  const Sensors& sensors_;
  Network& network_;
  Batcher batcher_;
  const bool tells_classes_;  // whether there is an accuracy
  CellState state_;
  std::vector<StepRecord> records_;
  // What all rows share, with the latest readings.
  StepRecord blank_;
  // The last reading of the clock in the latest step.
  int64_t step_end_ns_ = 0;
  int64_t next_tick_ns_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_TRAINER_H_
