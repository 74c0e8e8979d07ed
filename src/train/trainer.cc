#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/layer_threads.h"
#include "graph/threads.h"
#include "kernels/denormals.h"
#include "model/loss.h"
#include "platform/clock.h"
#include "platform/memory.h"
#include "train/load.h"
#include "util/check.h"

namespace batchsweep {
namespace {

constexpr int64_t kTickNs = 100'000'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A step is counted when what counting took is less than this part of the step
// times so far, and an epoch keeps the counts of so many.
constexpr double kCountingShare = 0.004;
constexpr size_t kCountedSteps = 1024;

}  // namespace

Trainer::Trainer(const TrainingData& data, const CellConfig& config,
                 ComputeContext context, const Counters* counters,
                 Network& network)
    : data_(data),
      config_(config),
      context_(context),
      counters_(counters != nullptr && counters->any() ? counters : nullptr),
      pools_{.load = context.pool, .update = context.pool},
      network_(network),
      batcher_(data.train, {.seed = config.seed, .shuffle = config.shuffle}),
      whole_batch_(std::min(config.batch_size, data.train.size())),
      tells_classes_(TraitsOf(network.loss()).tells_classes) {
  const auto epoch_steps =
      static_cast<size_t>(batcher_.BatchesPerEpoch(config.batch_size));
  measurements_.reserve(epoch_steps);
  if (counters_ != nullptr) {
    counter_records_.reserve(std::min(epoch_steps, kCountedSteps) *
                             kPhases.size());
  }
  warmup_left_ = kWarmupSteps;
  if (const auto planned = PlannedSteps()) {
    warmup_left_ = std::min(warmup_left_, *planned / 10);
    const auto kept = static_cast<size_t>(std::min(*planned, kReservedSteps));
    state_.step_times_ns.reserve(kept);
    state_.step_flags.reserve(kept);
  }
}

std::optional<int64_t> Trainer::PlannedSteps() const {
  if (config_.budget.steps) return config_.budget.steps;
  if (!config_.budget.epochs) return std::nullopt;
  return *config_.budget.epochs * batcher_.BatchesPerEpoch(config_.batch_size);
}

StepContext Trainer::Context() {
  return {.dataset = *data_.train.dataset,
          .optimizer = config_.optimizer,
          .kernels = *context_.kernels,
          .pools = pools_,
          .network = network_};
}

Status Trainer::ChooseThreads() {
  RETURN_IF_ERROR(ChooseLayerThreads(network_));
  if (context_.pool->threads() == 1) return {};
  batcher_.StartEpoch(1);
  const auto rows = batcher_.Next(network_.batch());
  if (static_cast<int64_t>(rows.size()) < network_.batch()) return {};
  pools_.load = &network_.pool(FasterThreads(
      [&](Threads threads) { pools_.load = &network_.pool(threads); },
      [&] {
        LoadBatch(*data_.train.dataset, rows, *context_.kernels, *pools_.load,
                  network_);
      }));
  pools_.update = &network_.pool(FasterThreads(
      [&](Threads threads) { pools_.update = &network_.pool(threads); },
      [&] { UpdateWeights(Context(), 1); }));
  // Threads that speed up single operations can slow the whole step, because
  // data moves between cores: all that was chosen is tried against one thread.
  const StepPools fastest = pools_;
  const std::vector<LayerThreads> fastest_layers = network_.threads();
  ThreadPool& one = network_.pool(Threads::kOne);
  const auto use = [&](Threads threads) {
    const bool alone = threads == Threads::kOne;
    pools_ = alone ? StepPools{&one, &one} : fastest;
    network_.UseThreads(
        alone ? std::vector(fastest_layers.size(),
                            LayerThreads{Threads::kOne, Threads::kOne})
              : fastest_layers);
  };
  use(FasterThreads(use, [&] { TrainStep(Context(), rows, 1); }));
  network_.ClearTensors();
  return {};
}

Status Trainer::Soak(double seconds, const Hooks& hooks) {
  const ScopedFlushDenormals flush_denormals;
  const int64_t start_ns = MonotonicNs();
  int64_t tick_ns = start_ns + kTickNs;
  batcher_.StartEpoch(1);
  while (true) {
    const int64_t now_ns = MonotonicNs();
    if (static_cast<double>(now_ns - start_ns) >= seconds * 1e9) break;
    if (hooks.interrupted()) break;
    if (now_ns >= tick_ns) {
      hooks.on_tick();
      tick_ns = now_ns + kTickNs;
    }
    auto rows = batcher_.Next(config_.batch_size);
    if (rows.empty()) {
      batcher_.StartEpoch(1);
      rows = batcher_.Next(config_.batch_size);
    }
    RETURN_IF_ERROR(network_.SetBatch(static_cast<int64_t>(rows.size())));
    TrainStep(Context(), rows, 1);
  }
  network_.ClearTensors();
  return {};
}

Result<Trainer::Outcome> Trainer::TrainEpoch(const Hooks& hooks) {
  const ScopedFlushDenormals flush_denormals;
  const int64_t start_ns = MonotonicNs();
  int64_t tick_ns = start_ns + kTickNs;
  unix_offset_ns_ = UnixOffsetNs();
  measurements_.clear();
  counter_records_.clear();
  first_step_ = state_.step;
  epoch_ = state_.epoch;
  batcher_.StartEpoch(state_.epoch, state_.position);
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
    const StepMeasurement& last = measurements_.back();
    if (const int64_t end_ns = last.start_ns + last.step_time_ns();
        end_ns >= tick_ns) {
      tick_ns = end_ns + kTickNs;
      hooks.on_tick();
    }
  }
  state_.epoch_train_time_ns += MonotonicNs() - start_ns;
  // A NaN in front of a relu may have become 0 on the way to the outputs.
  if (!state_.diverged && !network_.WeightsAreFinite()) {
    state_.diverged = true;
    outcome = Outcome::kDiverged;
  }
  for (const StepMeasurement& step : measurements_) {
    state_.step_times_ns.push_back(static_cast<float>(step.step_time_ns()));
    state_.step_flags.push_back(step.flags);
  }
  return outcome;
}

Status Trainer::Step(std::span<const uint32_t> rows) {
  CHECK(measurements_.size() < measurements_.capacity());
  const auto examples = static_cast<int64_t>(rows.size());
  RETURN_IF_ERROR(network_.SetBatch(examples));
  const Counters* counters = CountsNextStep() ? counters_ : nullptr;

  StepMeasurement step;
  PhaseClock clock(counters);
  const BatchScore score =
      TrainStep(Context(), rows, state_.step + 1, [&](Phase phase) {
        step.phase_ns[static_cast<size_t>(phase)] = clock.Lap();
      });

  ++state_.step;
  ++state_.epoch_steps;
  state_.position += examples;
  state_.examples += examples;
  state_.epoch_loss_sum += score.loss_sum;
  state_.epoch_correct += score.correct;
  state_.step_time_sum_ns += step.step_time_ns();
  state_.diverged = !score.finite;

  step.start_ns = clock.start_ns();
  step.examples = static_cast<int32_t>(examples);
  step.loss =
      static_cast<float>(score.loss_sum / static_cast<double>(examples));
  step.accuracy =
      static_cast<float>(score.correct) / static_cast<float>(examples);
  if (warmup_left_ > 0) {
    --warmup_left_;
    step.flags.Add(StepFlag::kWarmup);
  }
  if (examples != whole_batch_) step.flags.Add(StepFlag::kPartBatch);
  measurements_.push_back(step);
  if (counters != nullptr) {
    for (const PhaseCounts& counts : clock.counts()) {
      counter_records_.push_back({.cell = Key(),
                                  .epoch = state_.epoch,
                                  .step = state_.step,
                                  .counts = counts});
    }
    counting_time_ns_ += MonotonicNs() - step.start_ns - step.step_time_ns();
  }
  return {};
}

bool Trainer::CountsNextStep() const {
  return counters_ != nullptr && warmup_left_ == 0 &&
         counter_records_.size() + kPhases.size() <=
             counter_records_.capacity() &&
         static_cast<double>(counting_time_ns_) <=
             kCountingShare * static_cast<double>(state_.step_time_sum_ns);
}

CellKey Trainer::Key() const {
  return {.batch_size = config_.batch_size,
          .seed = config_.seed,
          .threads = context_.pool->threads(),
          .process = config_.process};
}

StepRecord Trainer::RecordOf(size_t index) const {
  const StepMeasurement& step = measurements_[index];
  StepRecord record = {.cell = Key(),
                       .epoch = epoch_,
                       .step = first_step_ + static_cast<int64_t>(index) + 1,
                       .examples = step.examples,
                       .loss = step.loss,
                       .start_unix_ns = step.start_ns + unix_offset_ns_,
                       .step_time_ns = step.step_time_ns(),
                       .load_time_ns = step.time_ns(Phase::kLoad),
                       .forward_time_ns = step.time_ns(Phase::kForward),
                       .backward_time_ns = step.time_ns(Phase::kBackward),
                       .update_time_ns = step.time_ns(Phase::kUpdate),
                       .arena_bytes = network_.plan().memory.arena_bytes(),
                       .flags = step.flags};
  if (tells_classes_) record.accuracy = step.accuracy;
  return record;
}

bool Trainer::BudgetSpent() const {
  const Budget& budget = config_.budget;
  if (budget.epochs) return state_.epochs_done >= *budget.epochs;
  if (budget.steps) return state_.step >= *budget.steps;
  return static_cast<double>(state_.step_time_sum_ns) >= *budget.seconds * 1e9;
}

void Trainer::Flag(size_t index, StepFlags flags) {
  measurements_[index].flags.Add(flags);
  state_.step_flags[state_.step_flags.size() - measurements_.size() + index]
      .Add(flags);
}

void Trainer::AddEnergy(std::optional<double> joules) {
  auto& sum = state_.epoch_energy_joules;
  sum = sum && joules ? std::optional(*sum + *joules) : std::nullopt;
}

Result<EpochRecord> Trainer::FinishEpoch() {
  const int64_t start_ns = MonotonicNs();
  ASSIGN_OR_RETURN(const Evaluation validation,
                   Evaluate(data_.validation, config_.batch_size,
                            *context_.kernels, *pools_.load, network_));
  const auto trained = static_cast<double>(state_.position);
  const EpochRecord record = {
      .cell = Key(),
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
      .val_time_ns = MonotonicNs() - start_ns,
      .train_energy_joules = state_.epoch_energy_joules};
  CloseEpoch(record);
  return record;
}

void Trainer::CloseEpoch(const EpochRecord& record) {
  if (record.val_loss < state_.best_val_loss.value_or(kInfinity)) {
    state_.best_val_loss = record.val_loss;
    state_.best_epoch = record.epoch;
  }
  state_.final_val_loss = record.val_loss;
  state_.final_val_accuracy = record.val_accuracy;
  state_.train_time_ns += record.train_time_ns;
  auto& energy = state_.train_energy_joules;
  energy = energy && record.train_energy_joules
               ? std::optional(*energy + *record.train_energy_joules)
               : std::nullopt;
  if (config_.target_accuracy && !state_.time_to_target_ns &&
      record.val_accuracy.value_or(0.0) >= *config_.target_accuracy) {
    state_.time_to_target_ns = state_.train_time_ns;
    state_.energy_to_target_joules = energy;
  }
  ++state_.epochs_done;
  ++state_.epoch;
  state_.position = 0;
  state_.epoch_steps = 0;
  state_.epoch_loss_sum = 0.0;
  state_.epoch_correct = 0;
  state_.epoch_train_time_ns = 0;
  state_.epoch_energy_joules = 0.0;
}

Result<Trainer::Summary> Trainer::Summarize() {
  ASSIGN_OR_RETURN(const Evaluation test,
                   Evaluate(data_.test, config_.batch_size, *context_.kernels,
                            *pools_.load, network_));
  // Before the statistics, which take memory of their own.
  const ProcessMemory memory = ReadProcessMemory();
  const StepStatistics steps =
      DescribeSteps(state_.step_times_ns, state_.step_flags);
  const bool any_clean = steps.steps > steps.disturbed_steps;
  return Summary{
      .record =
          {.cell = Key(),
           .epochs = state_.epochs_done,
           .steps = state_.step,
           .best_val_loss = state_.best_val_loss.value_or(kInfinity),
           .best_epoch = state_.best_epoch,
           .final_val_loss = state_.final_val_loss,
           .final_val_accuracy = state_.final_val_accuracy,
           .test_loss = test.loss,
           .test_accuracy = test.accuracy,
           .warmup_steps =
               steps.steps_by_flag[static_cast<size_t>(StepFlag::kWarmup)],
           .flagged_steps = steps.disturbed_steps,
           .step_time_median_ns = std::llround(steps.all.median),
           .step_time_median_low_ns = std::llround(steps.all.median_low),
           .step_time_median_high_ns = std::llround(steps.all.median_high),
           .step_time_mad_ns = std::llround(steps.all.mad),
           .step_time_p5_ns = std::llround(steps.all.p5),
           .step_time_p95_ns = std::llround(steps.all.p95),
           .step_time_p99_ns = std::llround(steps.all.p99),
           .clean_step_time_median_ns =
               any_clean ? std::optional(std::llround(steps.clean.median))
                         : std::nullopt,
           .clean_step_time_p95_ns =
               any_clean ? std::optional(std::llround(steps.clean.p95))
                         : std::nullopt,
           .examples_per_second = static_cast<double>(state_.examples) * 1e9 /
                                  static_cast<double>(state_.step_time_sum_ns),
           .arena_bytes = network_.plan().memory.arena_bytes(),
           .peak_rss_bytes = memory.peak_rss_bytes,
           .rss_anon_bytes = memory.rss_anon_bytes,
           .swap_bytes = memory.swap_bytes,
           .train_energy_joules = state_.train_energy_joules,
           .time_to_target_ns = state_.time_to_target_ns,
           .energy_to_target_joules = state_.energy_to_target_joules},
      .statistics = steps};
}

}  // namespace batchsweep
