// Sweep: the same model trained once for each seed and batch size.
#ifndef BATCHSWEEP_TRAIN_SWEEP_H_
#define BATCHSWEEP_TRAIN_SWEEP_H_

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "graph/layer.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/recorder.h"
#include "record/records.h"
#include "train/checkpoint.h"
#include "train/optimizer.h"
#include "train/trainer.h"

namespace batchsweep {

// How the learning rate follows the batch size B, from a batch of 32, Keras'
// default: not at all, with sqrt(B / 32), or with B / 32.
enum class LrRule { kNone, kSqrt, kLinear };
Result<LrRule> ParseLrRule(std::string_view name);
float ScaledLearningRate(float learning_rate, LrRule rule, int64_t batch_size);

// Where weights start: drawn once for each seed and shared by its batch sizes,
// drawn anew for each batch size, or read from a safetensors file.
struct InitialWeights {
  enum class Kind { kShared, kFresh, kFile };
  Kind kind = Kind::kShared;
  std::filesystem::path file;
};

struct SweepConfig {
  ModelSpec model;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  std::vector<int64_t> batch_sizes;
  std::vector<int> threads = {1};
  bool lean = false;  // less memory, see Network::Options
  int64_t seeds = 1;  // 1 .. seeds
  Budget budget;
  bool shuffle = true;
  OptimizerConfig optimizer;
  LrRule lr_rule = LrRule::kNone;
  InitialWeights init;
  std::filesystem::path out;  // exists; weights/ and checkpoint/ are made in it
};

// One batch size, seed and number of threads. Cells run seed by seed, within
// them by threads, batch sizes as given.
struct Cell {
  int64_t batch_size = 0;
  uint64_t seed = 0;
  int threads = 1;
};
std::vector<Cell> SweepCells(const SweepConfig& config);

struct CellProgress {
  size_t cell = 0;  // from 0
  size_t cells = 0;
  double fraction = 0.0;  // of this cell's budget, 0 .. 1
  int64_t step_time_mean_ns = 0;
  StepRecord step;  // the latest
};

// Told about a sweep while it runs, never within a step.
class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  virtual void OnProgress(const CellProgress&) {}  // ten times a second
  virtual void OnEpoch(const CellProgress&, const EpochRecord&) {}
  virtual void OnCellDone(const SummaryRecord&) {}
  virtual bool Interrupted() { return false; }
};

struct SweepResult {
  std::vector<SummaryRecord> summaries;   // of the cells that ended this time
  std::vector<int64_t> diverged_batches;  // whose loss stopped being finite
  bool weights_are_live = true;           // see Network::weights_are_live()
  bool interrupted = false;               // a checkpoint was written
};

// Runs every cell after `position`, which is the start of a new sweep or where
// an earlier one stopped. Writes rows after each epoch, the trained weights to
// weights/batch_B_seed_S.safetensors (with _threads_T, where there are several)
// after each cell, and checkpoints.
// An error leaves everything recorded before it in place.
Result<SweepResult> RunSweep(const SweepConfig& config,
                             const TrainingData& data, const Kernels& kernels,
                             const Sensors& sensors, SweepPosition position,
                             Recorder& recorder, SweepObserver& observer);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_SWEEP_H_
