#include "train/trainer.h"

#include <algorithm>

#include "graph/layer_threads.h"
#include "graph/threads.h"
#include "kernels/denormals.h"
#include "model/loss.h"
#include "platform/clock.h"
#include "train/load.h"
#include "util/check.h"

namespace batchsweep {
namespace {

// Ticks come between steps, so that drawing progress is in no step's time.
constexpr int64_t kTickNs = 100'000'000;

// A step is counted when what counting took is less than this part of the step
// times so far, and an epoch keeps the counts of so many.
constexpr double kCountingShare = 0.004;
constexpr size_t kCountedSteps = 1024;

// Calls the hook on a tick each time that one is due.
class Ticker {
 public:
  Ticker(const Trainer::Hooks& hooks, int64_t start_ns)
      : hooks_(hooks), due_ns_(start_ns + kTickNs) {}

  void At(int64_t now_ns) {
    if (now_ns < due_ns_) return;
    due_ns_ = now_ns + kTickNs;
    hooks_.on_tick();
  }

 private:
  const Trainer::Hooks& hooks_;
  int64_t due_ns_;
};

// Counts of the backward phase would have those of measuring noise in them,
// which only its time can be taken out of. So nothing is counted then.
const Counters* UsableCounters(const Counters* counters, NoiseScope scope) {
  const bool usable =
      counters != nullptr && counters->any() && scope == NoiseScope::kNone;
  return usable ? counters : nullptr;
}

}  // namespace

Trainer::Trainer(const TrainingData& data, const TrainConfig& config,
                 ComputeContext context, const Counters* counters,
                 Network& network)
    : data_(data),
      config_(config),
      context_(context),
      counters_(UsableCounters(counters, config.noise_scope)),
      pools_{.load = context.pool, .update = context.pool},
      network_(network),
      batcher_(data.train, {.seed = config.seed, .shuffle = config.shuffle}),
      pages_(*data.train.dataset),
      whole_batch_(std::min(config.batch_size, data.train.size())),
      tells_classes_(TraitsOf(network.loss()).tells_classes),
      warmup_left_(kWarmupSteps) {
  // A step must not allocate, so the measurements of a whole epoch get their
  // room here.
  const int64_t epoch_steps = batcher_.BatchesPerEpoch(config.batch_size);
  const auto room = static_cast<size_t>(epoch_steps);
  measured_.arena_bytes = network.plan().memory.arena_bytes();
  measured_.measures_noise = config.noise_scope != NoiseScope::kNone;
  measured_.steps.reserve(room);
  pages_.Fill();
  if (counters_ != nullptr) {
    measured_.counts.reserve(std::min(room, kCountedSteps) * kPhases.size());
  }
  if (const auto planned = PlannedSteps(config.budget, epoch_steps)) {
    // A short budget would be spent on the warm-up, and leave no statistics.
    warmup_left_ = std::min(warmup_left_, *planned / 10);
  }
}

StepContext Trainer::Context() {
  return {.dataset = *data_.train.dataset,
          .optimizer = config_.optimizer,
          .kernels = *context_.kernels,
          .pools = pools_,
          .network = network_};
}

Status Trainer::ChooseThreads() {
  RETURN_IF_ERROR(ChooseLayerThreads(network_, FusedUpdateOf(Context(), 1)));
  if (context_.pool->threads() == 1) return {};
  batcher_.StartEpoch(1);
  const auto rows = batcher_.Next(network_.batch());
  // A training set that does not fill a batch has nothing to time these with.
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

// Steps flush denormals to zero, here and in TrainEpoch(), because XNNPACK does
// so in its operators: else a result would depend on who computed it.
Status Trainer::Soak(double seconds, const Hooks& hooks) {
  const ScopedFlushDenormals flush_denormals;
  const int64_t start_ns = MonotonicNs();
  Ticker ticker(hooks, start_ns);
  batcher_.StartEpoch(1);
  while (!hooks.interrupted()) {
    const int64_t now_ns = MonotonicNs();
    if (static_cast<double>(now_ns - start_ns) >= seconds * 1e9) break;
    ticker.At(now_ns);
    auto rows = batcher_.Next(config_.batch_size);
    if (rows.empty()) {
      batcher_.StartEpoch(1);
      rows = batcher_.Next(config_.batch_size);
    }
    RETURN_IF_ERROR(network_.SetBatch(std::ssize(rows)));
    // Each step may be the first, since nothing that it trains is kept.
    TrainStep(Context(), rows, 1);
    RETURN_IF_ERROR(pages_.HaveRead(std::ssize(rows)));
  }
  network_.ClearTensors();
  return {};
}

Result<Trainer::Outcome> Trainer::TrainEpoch(const Hooks& hooks) {
  const ScopedFlushDenormals flush_denormals;
  const int64_t start_ns = MonotonicNs();
  measured_.epoch = position_.epoch;
  measured_.steps_before = position_.step;
  measured_.unix_offset_ns = UnixOffsetNs();
  measured_.steps.clear();
  measured_.counts.clear();
  FindOrder();
  ASSIGN_OR_RETURN(const Outcome outcome, TrainRest(hooks));
  measured_.train_time_ns = MonotonicNs() - start_ns;
  for (const StepMeasurement& step : measured_.steps) {
    measured_.train_time_ns -= step.noise_time_ns;
  }
  // A NaN in front of a relu may have become 0 on the way to the outputs.
  return network_.WeightsAreFinite() ? outcome : Outcome::kDiverged;
}

// Behind an evaluation the order of the epoch's examples is drawn already, and
// drawing it again would count as training time.
void Trainer::FindOrder() {
  if (batcher_.epoch() == position_.epoch &&
      batcher_.position() == position_.epoch_examples) {
    return;
  }
  batcher_.StartEpoch(position_.epoch, position_.epoch_examples);
}

// Makes the steps that are left of the epoch under way, or until an evaluation.
Result<Trainer::Outcome> Trainer::TrainRest(const Hooks& hooks) {
  Ticker ticker(hooks, MonotonicNs());
  bool finite = true;
  while (true) {
    if (!finite) return Outcome::kDiverged;
    if (IsSpent(config_.budget, position_)) return Outcome::kBudgetSpent;
    if (hooks.interrupted()) return Outcome::kInterrupted;
    // At an epoch's end its own evaluation follows.
    if (position_.epoch_examples == data_.train.size()) {
      return Outcome::kEpochDone;
    }
    if (IsDue(config_.evaluate_every, position_)) {
      return Outcome::kEvaluationDue;
    }
    const auto rows = batcher_.Next(config_.batch_size);
    ASSIGN_OR_RETURN(const BatchScore score, Step(rows));
    finite = score.finite;
    const StepMeasurement& last = measured_.steps.back();
    ticker.At(last.start_ns + last.step_time_ns());
  }
}

Result<BatchScore> Trainer::Step(std::span<const uint32_t> rows) {
  CHECK(measured_.steps.size() < measured_.steps.capacity());
  const int64_t examples = std::ssize(rows);
  RETURN_IF_ERROR(network_.SetBatch(examples));
  StepMeasurement step = {.examples = static_cast<int32_t>(examples)};

  GradientNorms norms = {.scope = config_.noise_scope};
  StepContext context = Context();
  // A single example has nothing to be compared with.
  if (measured_.measures_noise && examples > 1) context.norms = &norms;
  PhaseClock clock(CountsNextStep() ? counters_ : nullptr);
  const BatchScore score =
      TrainStep(context, rows, position_.step + 1, [&](Phase phase) {
        step.phase_ns[static_cast<size_t>(phase)] = clock.Lap();
      });

  // What follows is bookkeeping, which is in no phase's time.
  step.start_ns = clock.start_ns();
  step.phase_ns[static_cast<size_t>(Phase::kBackward)] -= norms.time_ns;
  step.noise_time_ns = norms.time_ns;
  if (measured_.measures_noise) step.noise = EstimateNoise(norms, examples);
  step.loss_sum = score.loss_sum;
  if (tells_classes_) step.correct = static_cast<int32_t>(score.correct);
  step.flags = FlagsOfStep(examples);
  measured_.steps.push_back(step);
  ++position_.step;
  position_.epoch_examples += examples;
  position_.step_time_ns += step.step_time_ns();
  KeepCounts(clock, step.step_time_ns());
  RETURN_IF_ERROR(pages_.HaveRead(examples));
  return score;
}

// Reading the counters takes time, which is kept to a small share of training;
// the warm-up is in no statistics and need not be counted.
bool Trainer::CountsNextStep() const {
  return counters_ != nullptr && warmup_left_ == 0 &&
         measured_.counts.size() + kPhases.size() <=
             measured_.counts.capacity() &&
         static_cast<double>(counting_time_ns_) <=
             kCountingShare * static_cast<double>(position_.step_time_ns);
}

StepFlags Trainer::FlagsOfStep(int64_t examples) {
  StepFlags flags;
  if (warmup_left_ > 0) {
    --warmup_left_;
    flags.Add(StepFlag::kWarmup);
  }
  if (examples != whole_batch_) flags.Add(StepFlag::kPartBatch);
  return flags;
}

// Keeps the counts of the step that was made last, if it was counted.
void Trainer::KeepCounts(const PhaseClock& clock, int64_t step_time_ns) {
  if (clock.counts().empty()) return;
  for (const PhaseCounts& counts : clock.counts()) {
    measured_.counts.push_back({.step = position_.step, .counts = counts});
  }
  counting_time_ns_ += MonotonicNs() - clock.start_ns() - step_time_ns;
}

Result<Validation> Trainer::Validate() {
  const int64_t start_ns = MonotonicNs();
  RETURN_IF_ERROR(pages_.Close());
  Validation validation = {
      .epoch = position_.epoch,
      .step = position_.step,
      .examples = (position_.epoch - 1) * data_.train.size() +
                  position_.epoch_examples};
  ASSIGN_OR_RETURN(validation.scores, EvaluateOn(data_.validation));
  if (config_.subset_examples) {
    ASSIGN_OR_RETURN(const Evaluation scores,
                     EvaluateOn(data_.train.First(*config_.subset_examples)));
    validation.subset_loss = scores.loss;
  }
  position_.evaluated_step = position_.step;
  position_.evaluated_step_time_ns = position_.step_time_ns;
  validation.time_ns = MonotonicNs() - start_ns;
  return validation;
}

void Trainer::CloseEpoch() {
  ++position_.epoch;
  position_.epoch_examples = 0;
}

Result<Evaluation> Trainer::Test() { return EvaluateOn(data_.test); }

Result<Evaluation> Trainer::EvaluateOn(ExampleRange examples) {
  return Evaluate(examples, config_.batch_size, *context_.kernels, *pools_.load,
                  network_);
}

}  // namespace batchsweep
