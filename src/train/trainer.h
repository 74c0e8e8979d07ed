// Trainer: the steps of one cell, that is, of one batch size and seed.
//
// Each phase of a step (train/step.h) lies between two readings of the clock,
// and nothing else does. In a step no memory is allocated and no file is
// touched: its measurements go to a buffer that was there before. What is
// measured flows one way: from measurements() to the recorder, and from there
// to CellTotals.
#ifndef BATCHSWEEP_TRAIN_TRAINER_H_
#define BATCHSWEEP_TRAIN_TRAINER_H_

#include <cstdint>
#include <functional>
#include <span>

#include "data/batcher.h"
#include "data/page_budget.h"
#include "graph/network.h"
#include "measure/phase_clock.h"
#include "platform/counters.h"
#include "platform/error.h"
#include "train/epoch_measurements.h"
#include "train/evaluate.h"
#include "train/step.h"
#include "train/train_config.h"
#include "train/training_data.h"
#include "train/training_position.h"

namespace batchsweep {

// Steps at the start of a cell, and of one gone on with, that are not part of
// its statistics; fewer where the budget has less than ten times as many.
inline constexpr int64_t kWarmupSteps = 20;

class Trainer {
 public:
  enum class Outcome {
    kEpochDone,
    kEvaluationDue,
    kBudgetSpent,
    kInterrupted,
    kDiverged
  };

  // Looked at between steps.
  struct Hooks {
    std::function<void()> on_tick = [] {};  // ten times a second
    std::function<bool()> interrupted = [] { return false; };
  };

  // All outlive the trainer. REQUIRES: the network is allocated for batches of
  // config.batch_size and has the optimizer's slots. `counters` may be null.
  Trainer(const TrainingData& data, const TrainConfig& config,
          ComputeContext context, const Counters* counters, Network& network);

  // Lets loading, updating and the network's operations use one thread or all,
  // whichever is faster, see graph/layer_threads.h. Weights and optimizer
  // slots are zero then.
  Status ChooseThreads();

  // Trains without a record for that long, so that the board is as warm as it
  // gets. Weights and optimizer slots are zero then.
  Status Soak(double seconds, const Hooks& hooks);

  // To continue where another trainer stopped; before the first TrainEpoch().
  void Restore(const TrainingPosition& position) { position_ = position; }
  const TrainingPosition& position() const { return position_; }

  // Goes on with the epoch under way until it, the budget, or patience ends, an
  // evaluation is due within it, or an output or weight is not finite any more.
  // measurements() has its steps.
  Result<Outcome> TrainEpoch(const Hooks& hooks);
  // Of the last TrainEpoch(), or of one under way as far as it is.
  const EpochMeasurements& measurements() const { return measured_; }

  // Validates the weights as they are: the training goes on to the same bits.
  Result<Validation> Validate();
  // Closes the epoch under way: the next TrainEpoch() begins the one behind it.
  void CloseEpoch();
  // Tests the weights as they are.
  Result<Evaluation> Test();

  // One step on `rows` of the training set, and its score. TrainEpoch() is made
  // of these. REQUIRES: room in the buffer, that is, fewer steps since the last
  // TrainEpoch() began than an epoch has.
  Result<BatchScore> Step(std::span<const uint32_t> rows);

 private:
  StepContext Context();
  Result<Outcome> TrainRest(const Hooks& hooks);
  void FindOrder();
  bool CountsNextStep() const;
  StepFlags FlagsOfStep(int64_t examples);
  void KeepCounts(const PhaseClock& clock, int64_t step_time_ns);
  Result<Evaluation> EvaluateOn(ExampleRange examples);

  const TrainingData& data_;
  const TrainConfig config_;
  const ComputeContext context_;
  const Counters* counters_;  // null without any count
  StepPools pools_;
  Network& network_;
  Batcher batcher_;
  PageBudget pages_;           // of the training set
  const int64_t whole_batch_;  // examples of all steps but an epoch's last
  const bool tells_classes_;   // whether the loss does
  TrainingPosition position_;
  EpochMeasurements measured_;
  int64_t warmup_left_ = 0;       // steps
  int64_t counting_time_ns_ = 0;  // spent on reading the counters
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_TRAINER_H_
