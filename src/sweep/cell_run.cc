#include "sweep/cell_run.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "measure/clean_rules.h"
#include "measure/roofline.h"
#include "measure/sampler.h"
#include "model/initializers.h"
#include "model/safetensors.h"
#include "platform/clock.h"
#include "platform/cores.h"
#include "platform/counters.h"
#include "platform/file.h"
#include "platform/memory.h"
#include "sweep/memory_fit.h"
#include "train/epoch_recorder.h"

namespace batchsweep {
namespace {

// Between checkpoints of one cell: an fsync wears an SD card and takes up to a
// second on one, and this is the most that a power cut can cost.
constexpr int64_t kCheckpointIntervalNs = 30'000'000'000;

// A board in the sun never cools down.
constexpr int64_t kCoolLimitNs = 20LL * 60 * 1'000'000'000;
constexpr std::chrono::milliseconds kCoolPause(500);

// Fresh weights of a batch size, unlike any other seed's.
uint64_t FreshSeed(const CellKey& cell) {
  return cell.seed * 1'000'003 + static_cast<uint64_t>(cell.batch_size);
}

Result<std::vector<NamedTensor>> FirstWeights(const SweepConfig& config,
                                              const CellKey& cell) {
  const std::vector<ParamSpec> params = ModelParams(config.model);
  switch (config.init.kind) {
    case InitialWeights::Kind::kShared:
      return DrawWeights(params, cell.seed);
    case InitialWeights::Kind::kFresh:
      return DrawWeights(params, FreshSeed(cell));
    case InitialWeights::Kind::kFile:
      return ReadWeights(params, config.init.file);
  }
  return Fail("no such initial weights");
}

double BudgetFraction(const Budget& budget, const CellState& state,
                      int64_t train_examples) {
  double fraction = 0.0;
  if (budget.epochs) {
    fraction = static_cast<double>(state.examples) /
               static_cast<double>(*budget.epochs * train_examples);
  } else if (budget.steps) {
    fraction =
        static_cast<double>(state.step) / static_cast<double>(*budget.steps);
  } else {
    fraction =
        static_cast<double>(state.step_time_sum_ns) / (*budget.seconds * 1e9);
  }
  return std::min(fraction, 1.0);
}

// Where and how urgently this thread, and those it starts, compute; what could
// not be had. First of CellRun's members: threads made before keep their place.
std::vector<Warning> TakeCores(const SweepConfig& config) {
  std::vector<Warning> warnings;
  if (!config.pin.empty()) {
    if (const Status pinned = StayOnCores(config.pin); !pinned) {
      warnings.push_back({"not_pinned", pinned.error().message});
    }
  }
  if (config.realtime) {
    if (const Status urgent = UseRealtimePriority(); !urgent) {
      warnings.push_back({"not_realtime", urgent.error().message});
    } else if (RealtimeShare().value_or(1.0) < 1.0) {
      warnings.push_back(
          {"realtime_share",
           "realtime threads are paused for a part of each second; sysctl "
           "kernel.sched_rt_runtime_us=-1 lets them go on"});
    }
  }
  return warnings;
}

class CellRun {
 public:
  CellRun(const SweepConfig& config, const TrainingData& data,
          const Kernels& kernels, Sensors& sensors,
          std::optional<int64_t> base_rss_bytes, SweepPosition position,
          SweepObserver& observer)
      : config_(config),
        data_(data),
        sensors_(sensors),
        base_rss_bytes_(base_rss_bytes),
        observer_(observer),
        position_(std::move(position)),
        cells_(SweepCells(config)),
        cell_(cells_[static_cast<size_t>(position_.cells_done)]),
        spare_cores_(std::ssize(AllowedCores()) > cell_.threads),
        sampler_(sensors, config.sample_hz),
        warnings_(TakeCores(config)),
        pool_(cell_.threads),
        context_{&kernels, &pool_} {}

  Status Run() {
    ASSIGN_OR_RETURN(Recorder recorder,
                     Recorder::Resume(config_.out, position_.recorded));
    recorder_.emplace(SampledSources(sensors_, counters_), std::move(recorder));
    // Where it stands is in the checkpoint already.
    if (!Cool()) return {};
    start_ns_ = checkpoint_ns_ = MonotonicNs();
    OptimizerConfig optimizer = config_.optimizer;
    optimizer.learning_rate = ScaledLearningRate(
        optimizer.learning_rate, config_.lr_rule, cell_.batch_size);
    ASSIGN_OR_RETURN(NetworkPlan plan,
                     PlanNetwork(config_.model,
                                 {.max_batch = cell_.batch_size,
                                  .optimizer_slots = OptimizerSlots(optimizer),
                                  .loss = config_.loss,
                                  .lean = config_.lean,
                                  .seed = cell_.seed},
                                 context_));
    position_.weights_are_live &= plan.weights_are_live;
    ASSIGN_OR_RETURN(Network network, Network::Allocate(std::move(plan)));
    Trainer trainer(data_,
                    {.batch_size = cell_.batch_size,
                     .seed = cell_.seed,
                     .budget = config_.budget,
                     .shuffle = config_.shuffle,
                     .optimizer = optimizer,
                     .process = cell_.process,
                     .target_accuracy = config_.target_accuracy},
                    context_, &counters_, network);
    RETURN_IF_ERROR(trainer.ChooseThreads());
    RETURN_IF_ERROR(Soak(trainer));
    RETURN_IF_ERROR(Start(network, trainer));
    sampler_.Start(counters_);
    RETURN_IF_ERROR(Train(network, trainer));
    return interrupted_ ? Status() : Finish(network, trainer);
  }

 private:
  // False if it was interrupted.
  bool Cool() {
    if (!config_.cool_to_celsius) return true;
    const int64_t start_ns = MonotonicNs();
    while (!observer_.Interrupted()) {
      const int64_t now_ns = MonotonicNs();
      cool_wait_ns_ = now_ns - start_ns;
      const auto celsius = sensors_.Read(now_ns).cpu_temp_celsius;
      if (celsius && *celsius <= *config_.cool_to_celsius) return true;
      if (cool_wait_ns_ >= kCoolLimitNs) {
        warnings_.push_back(
            {"not_cooled",
             std::format("{} is still above the {:g} degrees of --cool-to "
                         "after {} minutes",
                         celsius ? std::format("the CPU, at {:.1f},", *celsius)
                                 : "the CPU",
                         *config_.cool_to_celsius,
                         kCoolLimitNs / 60'000'000'000)});
        return true;
      }
      if (celsius) {
        observer_.OnCooling(ProgressOf(CellState(), StepRecord()), *celsius,
                            *config_.cool_to_celsius);
      }
      std::this_thread::sleep_for(kCoolPause);
    }
    return false;
  }

  Status Soak(Trainer& trainer) {
    if (config_.soak_seconds <= 0.0) return {};
    Trainer::Hooks hooks;
    hooks.on_tick = [&] {
      observer_.OnSoaking(ProgressOf(CellState(), StepRecord()));
    };
    hooks.interrupted = [&] { return observer_.Interrupted(); };
    return trainer.Soak(config_.soak_seconds, hooks);
  }

  Status Start(Network& network, Trainer& trainer) {
    if (!position_.cell) {
      ASSIGN_OR_RETURN(const auto weights, FirstWeights(config_, cell_));
      network.SetWeights(weights);
      return {};
    }
    RETURN_IF_ERROR(LoadCheckpointTensors(config_.out / "checkpoint",
                                          *position_.cell, network));
    earlier_ns_ = position_.cell->elapsed_ns;
    trainer.Restore(*std::move(position_.cell));
    position_.cell.reset();
    return {};
  }

  Status Train(Network& network, Trainer& trainer) {
    Trainer::Hooks hooks;
    hooks.on_tick = [&] {
      observer_.OnProgress(ProgressOf(trainer.state(), LatestRow(trainer)));
    };
    hooks.interrupted = [&] { return observer_.Interrupted(); };
    while (true) {
      ASSIGN_OR_RETURN(const auto outcome, trainer.TrainEpoch(hooks));
      RETURN_IF_ERROR(recorder_->Record(sampler_.Take(BusyCores()), trainer));
      if (outcome == Trainer::Outcome::kInterrupted) {
        interrupted_ = true;
        return Checkpoint(network, trainer.state());
      }
      // A spent budget can end an epoch early; what was trained of it counts.
      if (trainer.state().epoch_steps > 0) {
        ASSIGN_OR_RETURN(const EpochRecord epoch, trainer.FinishEpoch());
        RETURN_IF_ERROR(recorder_->recorder().AppendEpoch(epoch));
        observer_.OnEpoch(ProgressOf(trainer.state(), LatestRow(trainer)),
                          epoch);
      }
      if (outcome == Trainer::Outcome::kDiverged) {
        position_.diverged_batches.push_back(cell_.batch_size);
      }
      if (outcome != Trainer::Outcome::kEpochDone) return {};
      if (MonotonicNs() - checkpoint_ns_ >= kCheckpointIntervalNs) {
        RETURN_IF_ERROR(Checkpoint(network, trainer.state()));
      }
    }
  }

  std::vector<int> BusyCores() const {
    if (!config_.pin.empty()) return config_.pin;
    return spare_cores_ ? std::vector{CurrentCore()} : std::vector<int>();
  }

  // Empty behind an epoch's last step, where a checkpoint may begin.
  static StepRecord LatestRow(const Trainer& trainer) {
    const size_t steps = trainer.measurements().size();
    return steps == 0 ? StepRecord() : trainer.RecordOf(steps - 1);
  }

  Status Finish(Network& network, Trainer& trainer) {
    ASSIGN_OR_RETURN(auto summary, trainer.Summarize());
    SummaryRecord& record = summary.record;
    const auto limit_ns =
        StepLimitNs(LimitsOf(network), config_.model,
                    OptimizerSlots(config_.optimizer), cell_.batch_size);
    record.limit_time_ns = static_cast<int64_t>(limit_ns);
    record.limit_fraction =
        limit_ns / static_cast<double>(record.step_time_median_ns);
    if (base_rss_bytes_) {
      record.planned_rss_bytes =
          *base_rss_bytes_ + network.plan().memory.arena_bytes() +
          RowsBytes(data_.train.size(), cell_.batch_size, config_.budget);
    }
    record.over_current_events = recorder_->readings().OverCurrentEvents();
    record.cool_wait_ns = cool_wait_ns_;
    const auto weights_folder = config_.out / "weights";
    RETURN_IF_ERROR(MakeWritableFolder(weights_folder));
    RETURN_IF_ERROR(WriteSafetensors(
        weights_folder / (WeightsName() + ".safetensors"), network.Weights()));
    record.total_time_ns = ElapsedNs();
    RETURN_IF_ERROR(recorder_->recorder().AppendSummary(record));
    ++position_.cells_done;
    std::ranges::copy(CellWarnings(CellName(cell_), summary.statistics),
                      std::back_inserter(warnings_));
    for (const Warning& warning : warnings_) {
      if (!std::ranges::contains(position_.warnings, warning)) {
        position_.warnings.push_back(warning);
      }
    }
    RETURN_IF_ERROR(SavePosition(nullptr));
    observer_.OnCellDone(record);
    return {};
  }

  std::string WeightsName() const {
    std::string name =
        std::format("batch_{}_seed_{}", cell_.batch_size, cell_.seed);
    if (config_.threads.size() > 1) {
      name += std::format("_threads_{}", cell_.threads);
    }
    return name;
  }

  // Measured once for each number of threads.
  const MachineLimits& LimitsOf(Network& network) {
    const auto known = std::ranges::find(position_.limits, cell_.threads,
                                         &ThreadsLimits::threads);
    if (known != position_.limits.end()) return known->limits;
    return position_.limits
        .emplace_back(cell_.threads,
                      MeasureLimits(network.params().size(), context_))
        .limits;
  }

  Status Checkpoint(Network& network, const CellState& state) {
    position_.cell = state;
    position_.cell->elapsed_ns = ElapsedNs();
    RETURN_IF_ERROR(SavePosition(&network));
    position_.cell.reset();
    checkpoint_ns_ = MonotonicNs();
    return {};
  }

  // Rows first: a position must not name rows that are not on the disk.
  Status SavePosition(Network* network) {
    RETURN_IF_ERROR(recorder_->recorder().Sync());
    position_.recorded = recorder_->recorder().recorded();
    return SaveCheckpoint(config_.out / "checkpoint", position_, network);
  }

  CellProgress ProgressOf(const CellState& state,
                          const StepRecord& step) const {
    CellProgress progress = {
        .cell = static_cast<size_t>(position_.cells_done),
        .cells = cells_.size(),
        .fraction = BudgetFraction(config_.budget, state, data_.train.size()),
        .step_time_mean_ns =
            state.step_time_sum_ns / std::max<int64_t>(1, state.step),
        .step = step};
    progress.step.cell = cell_;
    return progress;
  }

  int64_t ElapsedNs() const { return earlier_ns_ + MonotonicNs() - start_ns_; }

  const SweepConfig& config_;
  const TrainingData& data_;
  Sensors& sensors_;
  const std::optional<int64_t> base_rss_bytes_;
  SweepObserver& observer_;
  SweepPosition position_;
  const std::vector<CellKey> cells_;
  const CellKey cell_;
  const bool spare_cores_;
  // In this order: the sampler's thread stays where the process was, the
  // counters do not count it, and they count the pool.
  Sampler sampler_;
  std::vector<Warning> warnings_;
  const Counters counters_;
  ThreadPool pool_;
  const ComputeContext context_;

  std::optional<EpochRecorder> recorder_;
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
  CellRun run(config, data, kernels, sensors, base_rss_bytes,
              std::move(position), observer);
  return run.Run();
}

}  // namespace batchsweep
