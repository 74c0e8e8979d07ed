#include "train/trainer.h"

#include <algorithm>

#include "kernels/denormals.h"
#include "platform/clock.h"
#include "platform/memory.h"
#include "util/check.h"

namespace batchsweep {
namespace {

constexpr int64_t kTickNs = 100'000'000;

// The value below which `fraction` of the values lie (nearest rank).
int64_t Quantile(std::vector<float>& values, double fraction) {
  if (values.empty()) return 0;
  const auto rank = static_cast<size_t>(
      fraction * static_cast<double>(values.size() - 1) + 0.5);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(values, nth);
  return static_cast<int64_t>(*nth);
}

}  // namespace

Trainer::Trainer(const TrainingData& data, const CellConfig& config,
                 ComputeContext context, const Sensors& sensors,
                 Network& network)
    : data_(data),
      config_(config),
      context_(context),
      sensors_(sensors),
      network_(network),
      batcher_(data.train, {.seed = config.seed, .shuffle = config.shuffle}),
      tells_classes_(network.loss() != Loss::kMeanSquaredError) {
  records_.reserve(
      static_cast<size_t>(batcher_.BatchesPerEpoch(config.batch_size)));
  blank_.batch_size = config.batch_size;
  blank_.seed = config.seed;
  blank_.threads = context.pool->threads();
  blank_.arena_bytes = network.planner().arena_bytes();
}

void Trainer::ChooseThreads() {
  batcher_.StartEpoch(1);
  const auto rows = batcher_.Next(network_.batch());
  if (static_cast<int64_t>(rows.size()) < network_.batch()) return;
  network_.ChooseThreads(
      [&] {
        LoadBatch(*data_.train.dataset, rows, *context_.kernels, network_);
      },
      [&] { OptimizerStep(config_.optimizer, 1, context_, network_); },
      [&] {
        LoadBatch(*data_.train.dataset, rows, *context_.kernels, network_);
        network_.Forward({.training = true});
        network_.Loss();
        network_.Backward();
        OptimizerStep(config_.optimizer, 1, context_, network_);
      });
}

Result<Trainer::Outcome> Trainer::TrainEpoch(const Hooks& hooks) {
  const ScopedFlushDenormals flush_denormals;
  const int64_t start_ns = MonotonicNs();
  records_.clear();
  batcher_.StartEpoch(state_.epoch, state_.position);
  Tick(start_ns);
  Outcome outcome = Outcome::kEpochDone;
  while (true) {
    if (state_.diverged)
      outcome = Outcome::kDiverged;
    else if (BudgetSpent())
      outcome = Outcome::kBudgetSpent;
    else if (hooks.interrupted())
      outcome = Outcome::kInterrupted;
    if (outcome != Outcome::kEpochDone) break;
    const auto rows = batcher_.Next(config_.batch_size);
    if (rows.empty()) break;
    RETURN_IF_ERROR(Step(rows));
    if (step_end_ns_ >= next_tick_ns_) {
      Tick(step_end_ns_);
      hooks.on_tick(records_.back());
    }
  }
  state_.epoch_train_time_ns += MonotonicNs() - start_ns;
  // A NaN in front of a relu may have become 0 on the way to the outputs.
  if (!state_.diverged && !network_.WeightsAreFinite()) {
    state_.diverged = true;
    outcome = Outcome::kDiverged;
  }
  for (const StepRecord& record : records_) {
    state_.step_times_ns.push_back(static_cast<float>(record.step_time_ns));
  }
  return outcome;
}

Status Trainer::Step(std::span<const uint32_t> rows) {
  CHECK(records_.size() < records_.capacity());
  const auto examples = static_cast<int64_t>(rows.size());
  RETURN_IF_ERROR(network_.SetBatch(examples));

  const int64_t start_ns = MonotonicNs();
  LoadBatch(*data_.train.dataset, rows, *context_.kernels, network_);
  const int64_t loaded_ns = MonotonicNs();
  network_.Forward({.training = true, .step = state_.step});
  const BatchScore score = network_.Loss();
  const int64_t forward_ns = MonotonicNs();
  network_.Backward();
  const int64_t backward_ns = MonotonicNs();
  OptimizerStep(config_.optimizer, state_.step + 1, context_, network_);
  const int64_t end_ns = MonotonicNs();

  step_end_ns_ = end_ns;
  ++state_.step;
  ++state_.epoch_steps;
  state_.position += examples;
  state_.examples += examples;
  state_.epoch_loss_sum += score.loss_sum;
  state_.epoch_correct += score.correct;
  state_.step_time_sum_ns += end_ns - start_ns;
  state_.diverged = !score.finite;

  StepRecord& record = records_.emplace_back(blank_);
  record.epoch = state_.epoch;
  record.step = state_.step;
  record.examples = examples;
  record.loss =
      static_cast<float>(score.loss_sum / static_cast<double>(examples));
  if (tells_classes_) {
    record.accuracy =
        static_cast<float>(score.correct) / static_cast<float>(examples);
  }
  record.step_time_ns = end_ns - start_ns;
  record.load_time_ns = loaded_ns - start_ns;
  record.forward_time_ns = forward_ns - loaded_ns;
  record.backward_time_ns = backward_ns - forward_ns;
  record.update_time_ns = end_ns - backward_ns;
  return {};
}

void Trainer::Tick(int64_t now_ns) {
  next_tick_ns_ = now_ns + kTickNs;
  const ProcessMemory memory = ReadProcessMemory();
  blank_.rss_bytes = memory.rss_bytes;
  blank_.peak_rss_bytes = memory.peak_rss_bytes;
  const SensorReading reading = sensors_.Read();
  blank_.cpu_temp_celsius = reading.cpu_temp_celsius;
  blank_.cpu_freq_hz = reading.cpu_freq_hz;
  blank_.throttled = reading.throttled;
  blank_.power_watts = reading.power_watts;
}

bool Trainer::BudgetSpent() const {
  const Budget& budget = config_.budget;
  if (budget.epochs) return state_.epochs_done >= *budget.epochs;
  if (budget.steps) return state_.step >= *budget.steps;
  return static_cast<double>(state_.step_time_sum_ns) >= *budget.seconds * 1e9;
}

Result<EpochRecord> Trainer::FinishEpoch() {
  const int64_t start_ns = MonotonicNs();
  ASSIGN_OR_RETURN(const Evaluation validation,
                   Evaluate(data_.validation, config_.batch_size,
                            *context_.kernels, network_));
  const auto trained = static_cast<double>(state_.position);
  const EpochRecord record = {
      .batch_size = config_.batch_size,
      .seed = config_.seed,
      .threads = context_.pool->threads(),
      .epoch = state_.epoch,
      .steps = state_.epoch_steps,
      .train_loss = state_.epoch_loss_sum / trained,
      .train_accuracy =
          tells_classes_
              ? std::optional(static_cast<double>(state_.epoch_correct) /
                              trained)
              : std::nullopt,
      .val_loss = validation.loss,
      .val_accuracy = validation.accuracy,
      .train_time_ns = state_.epoch_train_time_ns,
      .val_time_ns = MonotonicNs() - start_ns};
  if (validation.loss < state_.best_val_loss) {
    state_.best_val_loss = validation.loss;
    state_.best_epoch = state_.epoch;
  }
  state_.final_val_loss = validation.loss;
  state_.final_val_accuracy = validation.accuracy;
  ++state_.epochs_done;
  ++state_.epoch;
  state_.position = 0;
  state_.epoch_steps = 0;
  state_.epoch_loss_sum = 0.0;
  state_.epoch_correct = 0;
  state_.epoch_train_time_ns = 0;
  return record;
}

Result<SummaryRecord> Trainer::Summarize() {
  ASSIGN_OR_RETURN(
      const Evaluation test,
      Evaluate(data_.test, config_.batch_size, *context_.kernels, network_));
  std::vector<float> step_times_ns = state_.step_times_ns;
  return SummaryRecord{
      .batch_size = config_.batch_size,
      .seed = config_.seed,
      .threads = context_.pool->threads(),
      .epochs = state_.epochs_done,
      .steps = state_.step,
      .best_val_loss = state_.best_val_loss,
      .best_epoch = state_.best_epoch,
      .final_val_loss = state_.final_val_loss,
      .final_val_accuracy = state_.final_val_accuracy,
      .test_loss = test.loss,
      .test_accuracy = test.accuracy,
      .step_time_median_ns = Quantile(step_times_ns, 0.5),
      .step_time_p95_ns = Quantile(step_times_ns, 0.95),
      .examples_per_second = static_cast<double>(state_.examples) * 1e9 /
                             static_cast<double>(state_.step_time_sum_ns),
      .arena_bytes = network_.planner().arena_bytes(),
      .peak_rss_bytes = ReadProcessMemory().peak_rss_bytes,
      .total_time_ns = 0};
}

}  // namespace batchsweep
