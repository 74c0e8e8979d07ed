#include "sweep/cell_run.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "measure/clean_rules.h"
#include "measure/sampler.h"
#include "platform/clock.h"
#include "platform/cores.h"
#include "platform/counters.h"
#include "platform/memory.h"
#include "sweep/board_preparation.h"
#include "sweep/cell_log.h"
#include "sweep/cell_results.h"
#include "sweep/first_weights.h"
#include "sweep/kernel_choices.h"
#include "sweep/progress_meter.h"
#include "train/trainer.h"

namespace batchsweep {
namespace {

// As a cell runs, its checkpoints come behind evaluations, this far apart or
// further: an fsync wears an SD card and takes up to a second on one.
constexpr int64_t kCheckpointIntervalNs = 30'000'000'000;

// This is who measures and who computes in the process.
struct CellMachine {
  Sampler& sampler;
  const Counters& counters;
  ComputeContext context;
  bool spare_cores = false;  // whether there are more than threads
};

// A CellRun is one cell, from its first weights or where it stopped to its end.
class CellRun {
 public:
  CellRun(const SweepConfig& config, const TrainingData& data, Sensors& sensors,
          const CellMachine& machine, std::optional<int64_t> base_rss_bytes,
          std::vector<Warning> warnings, CellLog& log, SweepObserver& observer)
      : config_(config),
        data_(data),
        sensors_(sensors),
        machine_(machine),
        base_rss_bytes_(base_rss_bytes),
        observer_(observer),
        log_(log),
        cell_(log.cell()),
        progress_({.cell = static_cast<size_t>(log.position().cells_done),
                   .cells = SweepCells(config).size(),
                   .batch_size = cell_.batch_size,
                   .seed = config_.seeds.size() > 1 ? std::optional(cell_.seed)
                                                    : std::nullopt},
                  config.budget, data.train.size()),
        warnings_(std::move(warnings)) {}

  Status Run() {
    // Nothing was trained yet, so the checkpoint still says where it stands.
    if (!Cool()) return {};
    start_ns_ = checkpoint_ns_ = MonotonicNs();
    ASSIGN_OR_RETURN(Network network, NewNetwork());
    Trainer trainer(
        data_,
        {.batch_size = cell_.batch_size,
         .seed = cell_.seed,
         .budget = config_.budget,
         .evaluate_every = config_.val_every.value_or(EvaluationInterval()),
         .subset_examples = config_.target_examples,
         .shuffle = config_.shuffle,
         .noise_scope = config_.noise_scope,
         .optimizer = OptimizerOf(config_, cell_.batch_size)},
        machine_.context, &machine_.counters, network);
    // Both of these may train and then clear the weights, which Start() sets.
    RETURN_IF_ERROR(trainer.ChooseThreads());
    RETURN_IF_ERROR(Soak(trainer));
    RETURN_IF_ERROR(Start(network, trainer));
    machine_.sampler.Start(machine_.counters);
    RETURN_IF_ERROR(Train(network, trainer));
    return interrupted_ ? Status() : Finish(network, trainer);
  }

 private:
  // Returns false if it was interrupted.
  bool Cool() {
    if (!config_.cool_to_celsius) return true;
    const Cooling cooling = WaitUntilCool(
        sensors_, *config_.cool_to_celsius,
        [&] { return observer_.Interrupted(); },
        [&](double now_celsius) {
          observer_.OnCooling(progress_.first(), now_celsius,
                              *config_.cool_to_celsius);
        });
    cool_wait_ns_ = cooling.waited_ns;
    if (cooling.warning) warnings_.push_back(*cooling.warning);
    return !cooling.interrupted;
  }

  Result<Network> NewNetwork() {
    auto chooser =
        ChooserFor(config_.kernel_choices, cell_.batch_size, cell_.threads);
    ComputeContext context = machine_.context;
    if (chooser) context.chooser = &*chooser;
    ASSIGN_OR_RETURN(
        NetworkPlan plan,
        PlanNetwork(config_.model,
                    {.max_batch = cell_.batch_size,
                     .optimizer_slots = OptimizerSlots(config_.optimizer),
                     .loss = config_.loss,
                     .lean = config_.memory == WeightMemory::kLean,
                     .seed = cell_.seed,
                     .fuses_updates = config_.updates == WeightUpdates::kFused},
                    context));
    log_.position().weights_are_live &= plan.weights_are_live;
    return Network::Allocate(std::move(plan));
  }

  Status Soak(Trainer& trainer) {
    if (config_.soak_seconds <= 0.0) return {};
    return trainer.Soak(
        config_.soak_seconds,
        {.on_tick = [&] { observer_.OnSoaking(progress_.first()); },
         .interrupted = [&] { return observer_.Interrupted(); }});
  }

  Status Start(Network& network, Trainer& trainer) {
    ASSIGN_OR_RETURN(const bool restored, log_.Restore(network, trainer));
    if (restored) {
      earlier_ns_ = log_.state().elapsed_ns;
    } else {
      RETURN_IF_ERROR(SetFirstWeights(config_, cell_, network));
    }
    const int64_t epoch_steps =
        (data_.train.size() + cell_.batch_size - 1) / cell_.batch_size;
    log_.state().totals.steps.Reserve(
        PlannedSteps(config_.budget, epoch_steps).value_or(kKeptSteps));
    return {};
  }

  Status Train(Network& network, Trainer& trainer) {
    const Trainer::Hooks hooks = {
        .on_tick = [&] { observer_.OnProgress(ProgressOf(trainer)); },
        .interrupted = [&] { return observer_.Interrupted(); }};
    CellState& state = log_.state();
    while (!state.diverged && !log_.IsAtTarget()) {
      ASSIGN_OR_RETURN(const auto outcome, trainer.TrainEpoch(hooks));
      RETURN_IF_ERROR(
          log_.Add(machine_.sampler.Take(BusyCores()), trainer.measurements()));
      if (outcome == Trainer::Outcome::kInterrupted) {
        interrupted_ = true;
        return Checkpoint(network, trainer);
      }
      // A spent budget can end an epoch early; what was trained of it counts.
      if (state.totals.epoch.steps > 0) {
        RETURN_IF_ERROR(Evaluate(trainer, outcome));
      }
      // Divergence is a result and no error: the sweep goes on behind it.
      state.diverged = outcome == Trainer::Outcome::kDiverged;
      if (outcome == Trainer::Outcome::kBudgetSpent || state.diverged) break;
      if (MonotonicNs() - checkpoint_ns_ >= kCheckpointIntervalNs) {
        RETURN_IF_ERROR(Checkpoint(network, trainer));
      }
    }
    if (state.diverged) {
      log_.position().diverged_batches.push_back(cell_.batch_size);
    }
    return {};
  }

  Status Checkpoint(Network& network, const Trainer& trainer) {
    RETURN_IF_ERROR(log_.Keep(network, trainer.position(), ElapsedNs()));
    RETURN_IF_ERROR(log_.Save());
    checkpoint_ns_ = MonotonicNs();
    return {};
  }

  // Evaluates the weights, and closes the epoch unless it goes on behind that.
  Status Evaluate(Trainer& trainer, Trainer::Outcome outcome) {
    ASSIGN_OR_RETURN(const Validation validation, trainer.Validate());
    // What was drawn meanwhile is in no reading of the steps to come.
    machine_.sampler.ReadNow();
    RETURN_IF_ERROR(log_.Evaluate(validation));
    if (outcome == Trainer::Outcome::kEvaluationDue && !log_.IsAtTarget())
      return {};
    trainer.CloseEpoch();
    ASSIGN_OR_RETURN(const EpochRecord epoch, log_.FinishEpoch(validation));
    observer_.OnEpoch(ProgressOf(trainer), epoch);
    return {};
  }

  // The sampler keeps off these, where it can.
  std::vector<int> BusyCores() const {
    if (!config_.pin.empty()) return config_.pin;
    return machine_.spare_cores ? std::vector{CurrentCore()}
                                : std::vector<int>();
  }

  Status Finish(Network& network, Trainer& trainer) {
    ASSIGN_OR_RETURN(const Evaluation test, trainer.Test());
    const ProcessMemory trained = ReadProcessMemory();
    CellSummary summary = Summarize(cell_, log_.state().totals, test);
    SummaryRecord& record = summary.record;
    SetOptimizer(config_, record);
    record.xnnpack_share = network.plan().work.xnnpack_share();
    record.arena_bytes = network.plan().memory.arena_bytes();
    record.rss_anon_bytes = trained.rss_anon_bytes;
    record.swap_bytes = trained.swap_bytes;
    SetPlannedMemory(ExtentOf(config_, data_), base_rss_bytes_, record);
    record.over_current_events = log_.readings().OverCurrentEvents();
    record.cool_wait_ns = cool_wait_ns_;
    RETURN_IF_ERROR(log_.KeepTrained(network, trainer.position(), ElapsedNs()));
    SetLimitInPlaceOf(network, record);
    // Statistics, files and limit took memory too.
    record.peak_rss_bytes = ReadProcessMemory().peak_rss_bytes;
    record.total_time_ns = ElapsedNs();
    std::ranges::copy(CellWarnings(CellName(cell_), summary.statistics),
                      std::back_inserter(warnings_));
    RETURN_IF_ERROR(log_.Finish(record, warnings_));
    observer_.OnCellDone(record);
    return {};
  }

  // Frees the tensors, which nothing reads any more: the limit is measured on
  // as much memory again as weights and Adam's slots take.
  void SetLimitInPlaceOf(Network& network, SummaryRecord& record) {
    const UpdateTraffic update = {
        .weights = std::ssize(network.params()),
        .stored_gradients = std::ssize(network.grads()),
        .optimizer_slots = network.optimizer_slots()};
    {
      const Network done = std::move(network);
    }
    if (!SetLimit(config_, machine_.context, update, log_.position().limits,
                  record)) {
      warnings_.push_back(LimitWarning(CellName(cell_)));
    }
  }

  CellProgress ProgressOf(const Trainer& trainer) {
    return progress_.Of(trainer.position(), log_.state().totals.epoch,
                        trainer.measurements());
  }

  int64_t ElapsedNs() const { return earlier_ns_ + MonotonicNs() - start_ns_; }

  const SweepConfig& config_;
  const TrainingData& data_;
  Sensors& sensors_;
  const CellMachine machine_;
  const std::optional<int64_t> base_rss_bytes_;
  SweepObserver& observer_;
  CellLog& log_;
  const CellKey cell_;

  ProgressMeter progress_;
  std::vector<Warning> warnings_;
  bool interrupted_ = false;
  int64_t cool_wait_ns_ = 0;
  int64_t start_ns_ = 0;
  int64_t earlier_ns_ = 0;  // spent on this cell before it was resumed
  int64_t checkpoint_ns_ = 0;
};

}  // namespace

Status RunCell(const SweepConfig& config, const TrainingData& data,
               const Kernels& kernels, Sensors& sensors,
               std::optional<int64_t> base_rss_bytes, SweepPosition position,
               SweepObserver& observer) {
  const int threads =
      SweepCells(config)[static_cast<size_t>(position.cells_done)].threads;
  // Each line relies on those before it. Cores are counted before this thread
  // is bound to some, and the sampler's thread starts before that, so that it
  // may run where nothing is computed. The counters are opened after it, not to
  // count it, and before the threads that compute, to count these. They are
  // declared before it all the same, to be closed after it: its thread reads
  // them until it ends, and closed ones may by then be other files.
  const bool spare_cores = std::ssize(AllowedCores()) > threads;
  std::optional<Counters> counters;
  Sampler sampler(sensors, config.sample_hz);
  std::vector<Warning> warnings = TakeCores(config);
  counters.emplace();
  ThreadPool pool(threads);

  ASSIGN_OR_RETURN(CellLog log,
                   CellLog::Open(config, SampledSources(sensors, *counters),
                                 std::move(position)));
  CellRun run(config, data, sensors,
              {.sampler = sampler,
               .counters = *counters,
               .context = {.kernels = &kernels, .pool = &pool},
               .spare_cores = spare_cores},
              base_rss_bytes, std::move(warnings), log, observer);
  return run.Run();
}

}  // namespace batchsweep
