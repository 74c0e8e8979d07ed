#include "train/sweep.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <map>

#include "graph/roofline.h"
#include "model/initializers.h"
#include "model/safetensors.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/memory.h"

namespace batchsweep {
namespace {

// Between checkpoints of one cell: an fsync wears an SD card and takes up to a
// second on one, and this is the most that a power cut can cost.
constexpr int64_t kCheckpointIntervalNs = 30'000'000'000;

// Fresh weights of a batch size, unlike any other seed's.
uint64_t FreshSeed(const Cell& cell) {
  return cell.seed * 1'000'003 + static_cast<uint64_t>(cell.batch_size);
}

Result<std::vector<NamedTensor>> FirstWeights(const SweepConfig& config,
                                              const Cell& cell) {
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

// One cell from its first weights, or its checkpoint, to its summary.
class CellRun {
 public:
  CellRun(const SweepConfig& config, const TrainingData& data,
          const Kernels& kernels, Recorder& recorder, SweepObserver& observer,
          SweepPosition& position, std::map<int, MachineLimits>& limits)
      : config_(config),
        data_(data),
        recorder_(recorder),
        observer_(observer),
        position_(position),
        limits_(limits),
        cells_(SweepCells(config)),
        cell_(cells_[static_cast<size_t>(position.cells_done)]),
        pool_(cell_.threads),
        context_{&kernels, &pool_} {}

  // Adds to `result`; sets its `interrupted` if the cell did not end.
  Status Run(const Sensors& sensors, SweepResult& result) {
    start_ns_ = checkpoint_ns_ = MonotonicNs();
    ResetPeakRss();
    OptimizerConfig optimizer = config_.optimizer;
    optimizer.learning_rate = ScaledLearningRate(
        optimizer.learning_rate, config_.lr_rule, cell_.batch_size);
    ASSIGN_OR_RETURN(
        Network network,
        Network::Create(config_.model,
                        {.max_batch = cell_.batch_size,
                         .optimizer_slots = OptimizerSlots(optimizer),
                         .loss = config_.loss,
                         .lean = config_.lean,
                         .seed = cell_.seed},
                        context_));
    result.weights_are_live &= network.weights_are_live();
    RETURN_IF_ERROR(network.Allocate());
    Trainer trainer(data_,
                    {.batch_size = cell_.batch_size,
                     .seed = cell_.seed,
                     .budget = config_.budget,
                     .shuffle = config_.shuffle,
                     .optimizer = optimizer},
                    context_, sensors, network);
    trainer.ChooseThreads();
    RETURN_IF_ERROR(Start(network, trainer));
    RETURN_IF_ERROR(Train(network, trainer, result));
    return result.interrupted ? Status() : Finish(network, trainer, result);
  }

 private:
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

  Status Train(Network& network, Trainer& trainer, SweepResult& result) {
    Trainer::Hooks hooks;
    hooks.on_tick = [&](const StepRecord& step) {
      observer_.OnProgress(ProgressOf(trainer, step));
    };
    hooks.interrupted = [&] { return observer_.Interrupted(); };
    while (true) {
      ASSIGN_OR_RETURN(const auto outcome, trainer.TrainEpoch(hooks));
      RETURN_IF_ERROR(recorder_.AppendSteps(trainer.records()));
      if (outcome == Trainer::Outcome::kInterrupted) {
        result.interrupted = true;
        return Checkpoint(network, trainer.state());
      }
      // A spent budget can end an epoch early; what was trained of it counts.
      if (trainer.state().epoch_steps > 0) {
        ASSIGN_OR_RETURN(const EpochRecord epoch, trainer.FinishEpoch());
        RETURN_IF_ERROR(recorder_.AppendEpoch(epoch));
        // Resumed behind an epoch's last step, there is none.
        const auto steps = trainer.records();
        observer_.OnEpoch(
            ProgressOf(trainer, steps.empty() ? StepRecord() : steps.back()),
            epoch);
      }
      if (outcome == Trainer::Outcome::kDiverged) {
        result.diverged_batches.push_back(cell_.batch_size);
      }
      if (outcome != Trainer::Outcome::kEpochDone) return {};
      if (MonotonicNs() - checkpoint_ns_ >= kCheckpointIntervalNs) {
        RETURN_IF_ERROR(Checkpoint(network, trainer.state()));
      }
    }
  }

  Status Finish(Network& network, Trainer& trainer, SweepResult& result) {
    ASSIGN_OR_RETURN(SummaryRecord summary, trainer.Summarize());
    const auto limit_ns =
        StepLimitNs(LimitsOf(network), config_.model,
                    OptimizerSlots(config_.optimizer), cell_.batch_size);
    summary.limit_time_ns = static_cast<int64_t>(limit_ns);
    summary.limit_fraction =
        limit_ns / static_cast<double>(summary.step_time_median_ns);
    const auto weights_folder = config_.out / "weights";
    RETURN_IF_ERROR(MakeWritableFolder(weights_folder));
    RETURN_IF_ERROR(WriteSafetensors(
        weights_folder / (WeightsName() + ".safetensors"), network.Weights()));
    summary.total_time_ns = ElapsedNs();
    RETURN_IF_ERROR(recorder_.AppendSummary(summary));
    ++position_.cells_done;
    RETURN_IF_ERROR(SavePosition(nullptr));
    observer_.OnCellDone(summary);
    result.summaries.push_back(summary);
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
    auto known = limits_.find(cell_.threads);
    if (known == limits_.end()) {
      known = limits_
                  .emplace(cell_.threads,
                           MeasureLimits(network.params().size(), context_))
                  .first;
    }
    return known->second;
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
    RETURN_IF_ERROR(recorder_.Sync());
    position_.recorded = recorder_.recorded();
    return SaveCheckpoint(config_.out / "checkpoint", position_, network);
  }

  CellProgress ProgressOf(const Trainer& trainer, const StepRecord& step) {
    const CellState& state = trainer.state();
    return {
        .cell = static_cast<size_t>(position_.cells_done),
        .cells = cells_.size(),
        .fraction = BudgetFraction(config_.budget, state, data_.train.size()),
        .step_time_mean_ns =
            state.step_time_sum_ns / std::max<int64_t>(1, state.step),
        .step = step};
  }

  int64_t ElapsedNs() const { return earlier_ns_ + MonotonicNs() - start_ns_; }

  const SweepConfig& config_;
  const TrainingData& data_;
  Recorder& recorder_;
  SweepObserver& observer_;
  SweepPosition& position_;
  std::map<int, MachineLimits>& limits_;  // by threads
  const std::vector<Cell> cells_;
  const Cell cell_;
  ThreadPool pool_;
  const ComputeContext context_;
  int64_t start_ns_ = 0;
  int64_t earlier_ns_ = 0;  // spent on this cell before it was resumed
  int64_t checkpoint_ns_ = 0;
};

}  // namespace

Result<LrRule> ParseLrRule(std::string_view name) {
  if (name == "none") return LrRule::kNone;
  if (name == "sqrt") return LrRule::kSqrt;
  if (name == "linear") return LrRule::kLinear;
  return Fail("no learning-rate rule \"{}\"; there are none, sqrt and linear",
              name);
}

float ScaledLearningRate(float learning_rate, LrRule rule, int64_t batch_size) {
  const float ratio = static_cast<float>(batch_size) / 32.0f;
  if (rule == LrRule::kSqrt) return learning_rate * std::sqrt(ratio);
  if (rule == LrRule::kLinear) return learning_rate * ratio;
  return learning_rate;
}

std::vector<Cell> SweepCells(const SweepConfig& config) {
  std::vector<Cell> cells;
  for (int64_t seed = 1; seed <= config.seeds; ++seed) {
    for (const int threads : config.threads) {
      for (const int64_t batch_size : config.batch_sizes) {
        cells.push_back({.batch_size = batch_size,
                         .seed = static_cast<uint64_t>(seed),
                         .threads = threads});
      }
    }
  }
  return cells;
}

Result<SweepResult> RunSweep(const SweepConfig& config,
                             const TrainingData& data, const Kernels& kernels,
                             const Sensors& sensors, SweepPosition position,
                             Recorder& recorder, SweepObserver& observer) {
  SweepResult result;
  std::map<int, MachineLimits> limits;
  const auto cells = static_cast<int64_t>(SweepCells(config).size());
  while (position.cells_done < cells && !result.interrupted) {
    CellRun run(config, data, kernels, recorder, observer, position, limits);
    RETURN_IF_ERROR(run.Run(sensors, result));
  }
  return result;
}

}  // namespace batchsweep
