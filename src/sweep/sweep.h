// Sweep: the same model trained once for each seed and batch size.
#ifndef BATCHSWEEP_SWEEP_SWEEP_H_
#define BATCHSWEEP_SWEEP_SWEEP_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "graph/layer.h"
#include "model/loss.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/cell.h"
#include "record/epoch_record.h"
#include "record/recorder.h"
#include "record/summary_record.h"
#include "sweep/checkpoint.h"
#include "train/budget.h"
#include "train/optimizer.h"
#include "train/training_data.h"

namespace batchsweep {

// How the learning rate follows the batch size B, from a batch of 32, Keras'
// default: not at all, with sqrt(B / 32), or with B / 32.
enum class LrRule { kNone, kSqrt, kLinear };
constexpr const char* NameOf(LrRule rule) {
  switch (rule) {
    case LrRule::kNone:
      return "none";
    case LrRule::kSqrt:
      return "sqrt";
    case LrRule::kLinear:
      return "linear";
  }
  return nullptr;
}
float ScaledLearningRate(float learning_rate, LrRule rule, int64_t batch_size);

// Where weights start: drawn once for each seed and shared by its batch sizes,
// drawn anew for each batch size, or read from a safetensors file.
struct InitialWeights {
  enum class Kind { kShared, kFresh, kFile };
  Kind kind = Kind::kShared;
  std::filesystem::path file;
};
// Null for a file: its path stands for it.
constexpr const char* NameOf(InitialWeights::Kind kind) {
  switch (kind) {
    case InitialWeights::Kind::kShared:
      return "shared";
    case InitialWeights::Kind::kFresh:
      return "fresh";
    case InitialWeights::Kind::kFile:
      return nullptr;
  }
  return nullptr;
}

// The cells of a round one after the other as they are given, or drawn anew for
// each round, so that what warms up or drifts does not favour the same ones.
enum class CellOrder { kGiven, kShuffled };
constexpr const char* NameOf(CellOrder order) {
  switch (order) {
    case CellOrder::kGiven:
      return "given";
    case CellOrder::kShuffled:
      return "shuffled";
  }
  return nullptr;
}

// Whether packed copies of weights are kept, or made anew before each use.
enum class WeightMemory { kFast, kLean };
constexpr const char* NameOf(WeightMemory memory) {
  switch (memory) {
    case WeightMemory::kFast:
      return "fast";
    case WeightMemory::kLean:
      return "lean";
  }
  return nullptr;
}

struct SweepConfig {
  ModelSpec model;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  std::vector<int64_t> batch_sizes;
  std::vector<int> threads = {1};
  WeightMemory memory = WeightMemory::kFast;
  int64_t seeds = 1;  // 1 .. seeds
  int processes = 1;  // that repeat each cell, in rounds of all cells
  CellOrder order = CellOrder::kGiven;
  Budget budget;
  bool shuffle = true;
  OptimizerConfig optimizer;
  LrRule lr_rule = LrRule::kNone;
  InitialWeights init;
  double sample_hz = 10.0;  // readings of the board's state; 0: none
  std::optional<double> cool_to_celsius;  // to wait for before each cell
  double soak_seconds = 0.0;              // of training before each cell's own
  std::vector<int> pin;                   // cores to compute on; any if empty
  bool realtime = false;  // compute before all usual threads, if allowed
  std::optional<double> target_accuracy;
  std::filesystem::path out;  // exists; weights/ and checkpoint/ are made in it
};

// In a round, cells run seed by seed, within them by threads, batch sizes as
// given, unless shuffled; there is a round for each process.
std::vector<CellKey> SweepCells(const SweepConfig& config);

struct CellProgress {
  size_t cell = 0;  // from 0
  size_t cells = 0;
  int64_t batch_size = 0;
  int64_t epoch = 0;      // the one under way, from 1
  double fraction = 0.0;  // of this cell's budget, 0 .. 1
  // The mean over the examples that this epoch was trained on; absent before
  // its first step.
  std::optional<double> train_loss;
  int64_t step_time_median_ns = 0;  // of the latest steps; 0 without any
};

// Told about a sweep while it runs, never within a step, from the process of
// the cell: what it keeps is gone with the cell.
class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  virtual void OnCooling(const CellProgress&, double /*now_celsius*/,
                         double /*wanted_celsius*/) {}
  virtual void OnSoaking(const CellProgress&) {}
  virtual void OnProgress(const CellProgress&) {}  // ten times a second
  virtual void OnEpoch(const CellProgress&, const EpochRecord&) {}
  virtual void OnCellDone(const SummaryRecord&) {}
  virtual bool Interrupted() { return false; }
};

struct SweepResult {
  SweepPosition position;    // with what is to be said about the cells done
  bool interrupted = false;  // a checkpoint was written
};

// Runs the cells from `position` on, which is the start of a new sweep or where
// an earlier one stopped, to the end of the round. Each has a process of its
// own, so that its peak of memory is its own. Writes rows after each epoch, the
// trained weights to weights/batch_B_seed_S.safetensors (with _threads_T, where
// there are several) after each cell, and checkpoints.
// An error leaves everything recorded before it in place.
// REQUIRES: run.json and the tables of position.recorded exist; no other thread
// runs.
Result<SweepResult> RunRound(const SweepConfig& config,
                             const TrainingData& data, const Kernels& kernels,
                             Sensors& sensors, SweepPosition position,
                             SweepObserver& observer);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_SWEEP_H_
