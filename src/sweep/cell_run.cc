#include "sweep/cell_run.h"

#include <algorithm>
#include <filesystem>
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
#include "sweep/cell_results.h"
#include "sweep/checkpoint.h"
#include "sweep/first_weights.h"
#include "sweep/progress_meter.h"
#include "train/epoch_recorder.h"
#include "train/trainer.h"

namespace batchsweep {
namespace {

// As a cell runs, its checkpoints come at ends of epochs, this far apart or
// further: an fsync wears an SD card and takes up to a second on one.
constexpr int64_t kCheckpointIntervalNs = 30'000'000'000;

// This is who measures and who computes in the process.
struct CellMachine {
  Sampler& sampler;
  const Counters& counters;
  ComputeContext context;
  bool spare_cores = false;  // whether there are more than threads
};

// A CellRun is one cell, from the tables as recorded to its last checkpoint.
class CellRun {
 public:
  CellRun(const SweepConfig& config, const TrainingData& data, Sensors& sensors,
          const CellMachine& machine, std::optional<int64_t> base_rss_bytes,
          std::vector<Warning> warnings, SweepPosition position,
          SweepObserver& observer)
      : config_(config),
        data_(data),
        sensors_(sensors),
        machine_(machine),
        base_rss_bytes_(base_rss_bytes),
        observer_(observer),
        folder_(config.out / "checkpoint"),
        position_(std::move(position)),
        cells_(SweepCells(config)),
        cell_(cells_[static_cast<size_t>(position_.cells_done)]),
        warnings_(std::move(warnings)) {}

  Status Run() {
    ASSIGN_OR_RETURN(Recorder recorder,
                     Recorder::Resume(config_.out, position_.recorded));
    recorder_.emplace(SampledSources(sensors_, machine_.counters),
                      std::move(recorder), cell_);
    // Nothing was trained yet, so the checkpoint still says where it stands.
    if (!Cool()) return {};
    start_ns_ = checkpoint_ns_ = MonotonicNs();
    ASSIGN_OR_RETURN(Network network, NewNetwork());
    Trainer trainer(data_,
                    {.batch_size = cell_.batch_size,
                     .seed = cell_.seed,
                     .budget = config_.budget,
                     .shuffle = config_.shuffle,
                     .optimizer = CellOptimizer()},
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
          observer_.OnCooling(FirstProgress(), now_celsius,
                              *config_.cool_to_celsius);
        });
    cool_wait_ns_ = cooling.waited_ns;
    if (cooling.warning) warnings_.push_back(*cooling.warning);
    return !cooling.interrupted;
  }

  OptimizerConfig CellOptimizer() const {
    OptimizerConfig optimizer = config_.optimizer;
    optimizer.learning_rate = ScaledLearningRate(
        optimizer.learning_rate, config_.lr_rule, cell_.batch_size);
    return optimizer;
  }

  Result<Network> NewNetwork() {
    ASSIGN_OR_RETURN(
        NetworkPlan plan,
        PlanNetwork(config_.model,
                    {.max_batch = cell_.batch_size,
                     .optimizer_slots = OptimizerSlots(config_.optimizer),
                     .loss = config_.loss,
                     .lean = config_.memory == WeightMemory::kLean,
                     .seed = cell_.seed},
                    machine_.context));
    position_.weights_are_live &= plan.weights_are_live;
    return Network::Allocate(std::move(plan));
  }

  Status Soak(Trainer& trainer) {
    if (config_.soak_seconds <= 0.0) return {};
    return trainer.Soak(
        config_.soak_seconds,
        {.on_tick = [&] { observer_.OnSoaking(FirstProgress()); },
         .interrupted = [&] { return observer_.Interrupted(); }});
  }

  Status Start(Network& network, Trainer& trainer) {
    const KeptCell* const kept = position_.UnderWay();
    if (kept == nullptr) {
      ASSIGN_OR_RETURN(const auto weights, FirstWeights(config_, cell_));
      network.SetWeights(weights);
    } else {
      RETURN_IF_ERROR(LoadKeptCell(folder_, *kept, state_, network));
      earlier_ns_ = state_.elapsed_ns;
      trainer.Restore(state_.position);
    }
    const int64_t epoch_steps =
        (data_.train.size() + cell_.batch_size - 1) / cell_.batch_size;
    state_.totals.steps.Reserve(
        PlannedSteps(config_.budget, epoch_steps).value_or(kKeptSteps));
    return {};
  }

  Status Train(Network& network, Trainer& trainer) {
    const Trainer::Hooks hooks = {
        .on_tick = [&] { observer_.OnProgress(ProgressOf(trainer)); },
        .interrupted = [&] { return observer_.Interrupted(); }};
    while (!state_.diverged) {
      ASSIGN_OR_RETURN(const auto outcome, trainer.TrainEpoch(hooks));
      const EpochMeasurements& measured = trainer.measurements();
      ASSIGN_OR_RETURN(
          const EpochConditions conditions,
          recorder_->Record(machine_.sampler.Take(BusyCores()), measured));
      state_.totals.Add(measured, conditions);
      if (outcome == Trainer::Outcome::kInterrupted) {
        interrupted_ = true;
        RETURN_IF_ERROR(Keep(network, trainer));
        return Save();
      }
      // A spent budget can end an epoch early; what was trained of it counts.
      if (state_.totals.epoch.steps > 0) RETURN_IF_ERROR(FinishEpoch(trainer));
      // Divergence is a result and no error: the sweep goes on behind it.
      state_.diverged = outcome == Trainer::Outcome::kDiverged;
      if (outcome != Trainer::Outcome::kEpochDone) break;
      if (MonotonicNs() - checkpoint_ns_ >= kCheckpointIntervalNs) {
        RETURN_IF_ERROR(Keep(network, trainer));
        RETURN_IF_ERROR(Save());
      }
    }
    if (state_.diverged) {
      position_.diverged_batches.push_back(cell_.batch_size);
    }
    return {};
  }

  Status FinishEpoch(Trainer& trainer) {
    ASSIGN_OR_RETURN(const Validation validation, trainer.FinishEpoch());
    const EpochRecord epoch =
        state_.totals.FinishEpoch(cell_, validation, config_.target_accuracy);
    RETURN_IF_ERROR(recorder_->recorder().AppendEpoch(epoch));
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
    CellSummary summary = Summarize(cell_, state_.totals, test);
    SummaryRecord& record = summary.record;
    record.learning_rate = CellOptimizer().learning_rate;
    record.arena_bytes = network.plan().memory.arena_bytes();
    record.rss_anon_bytes = trained.rss_anon_bytes;
    record.swap_bytes = trained.swap_bytes;
    SetPlannedMemory(ExtentOf(config_, data_), base_rss_bytes_, record);
    record.over_current_events = recorder_->readings().OverCurrentEvents();
    record.cool_wait_ns = cool_wait_ns_;
    RETURN_IF_ERROR(KeepWeights(network));
    RETURN_IF_ERROR(KeepIfMoreCanFollow(network, trainer));
    SetLimitInPlaceOf(network, record);
    // Statistics, files and limit took memory too.
    record.peak_rss_bytes = ReadProcessMemory().peak_rss_bytes;
    record.total_time_ns = ElapsedNs();
    RETURN_IF_ERROR(recorder_->recorder().AppendSummary(record));
    ++position_.cells_done;
    TakeOverWarnings(CellWarnings(CellName(cell_), summary.statistics));
    RETURN_IF_ERROR(Save());
    observer_.OnCellDone(record);
    return {};
  }

  Status KeepWeights(Network& network) {
    ASSIGN_OR_RETURN(WrittenFile weights,
                     WriteWeights(config_, cell_, network));
    // Processes that repeat a cell write the same file.
    std::erase_if(position_.weights, [&](const WrittenFile& other) {
      return other.name == weights.name;
    });
    position_.weights.push_back(std::move(weights));
    return {};
  }

  // Frees the tensors, which nothing reads any more: the limit is measured on
  // as much memory again as weights and Adam's slots take.
  void SetLimitInPlaceOf(Network& network, SummaryRecord& record) {
    const size_t weights = network.params().size();
    {
      const Network done = std::move(network);
    }
    if (!SetLimit(config_, machine_.context, weights, position_.limits,
                  record)) {
      warnings_.push_back(LimitWarning(CellName(cell_)));
    }
  }

  void TakeOverWarnings(const std::vector<Warning>& of_steps) {
    std::ranges::copy(of_steps, std::back_inserter(warnings_));
    for (const Warning& warning : warnings_) {
      if (!std::ranges::contains(position_.warnings, warning)) {
        position_.warnings.push_back(warning);
      }
    }
  }

  // The next checkpoint will have the cell as it is now.
  Status Keep(Network& network, const Trainer& trainer) {
    state_.position = trainer.position();
    state_.elapsed_ns = ElapsedNs();
    return KeepCell(folder_, position_.cells_done, state_, network, position_);
  }

  // A cell that is done can be trained for more epochs later; a budget of steps
  // or seconds may end within one, which was then validated already.
  Status KeepIfMoreCanFollow(Network& network, const Trainer& trainer) {
    if (config_.budget.epochs) return Keep(network, trainer);
    std::erase_if(position_.kept, [&](const KeptCell& kept) {
      return kept.cell == position_.cells_done;
    });
    return {};
  }

  // Rows are written first: a position must not name any that are not on disk.
  Status Save() {
    RETURN_IF_ERROR(recorder_->recorder().Sync());
    position_.recorded = recorder_->recorder().recorded();
    RETURN_IF_ERROR(SavePosition(folder_, position_));
    checkpoint_ns_ = MonotonicNs();
    return {};
  }

  CellProgress FirstProgress() const {
    return {.cell = static_cast<size_t>(position_.cells_done),
            .cells = cells_.size(),
            .batch_size = cell_.batch_size};
  }

  CellProgress ProgressOf(const Trainer& trainer) {
    const EpochMeasurements& measured = trainer.measurements();
    CellProgress progress = FirstProgress();
    progress.epoch = measured.epoch;
    progress.fraction =
        SpentFraction(config_.budget, trainer.position(), data_.train.size());
    progress.train_loss = running_loss_.Mean(state_.totals.epoch, measured);
    progress.step_time_median_ns = MedianStepTimeNs(measured.steps);
    return progress;
  }

  int64_t ElapsedNs() const { return earlier_ns_ + MonotonicNs() - start_ns_; }

  const SweepConfig& config_;
  const TrainingData& data_;
  Sensors& sensors_;
  const CellMachine machine_;
  const std::optional<int64_t> base_rss_bytes_;
  SweepObserver& observer_;
  const std::filesystem::path folder_;  // of checkpoints
  SweepPosition position_;
  const std::vector<CellKey> cells_;
  const CellKey cell_;

  std::optional<EpochRecorder> recorder_;
  RunningLoss running_loss_;
  CellState state_;
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

  CellRun run(config, data, sensors,
              {.sampler = sampler,
               .counters = *counters,
               .context = {.kernels = &kernels, .pool = &pool},
               .spare_cores = spare_cores},
              base_rss_bytes, std::move(warnings), std::move(position),
              observer);
  return run.Run();
}

}  // namespace batchsweep
