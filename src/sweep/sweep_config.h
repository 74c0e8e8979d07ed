// What a sweep trains, how, and in which order: all that a user can ask of it.
#ifndef BATCHSWEEP_SWEEP_SWEEP_CONFIG_H_
#define BATCHSWEEP_SWEEP_SWEEP_CONFIG_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "graph/gradient_norms.h"
#include "graph/kernel_choice.h"
#include "model/loss.h"
#include "model/model_spec.h"
#include "record/cell.h"
#include "sweep/batch_rules.h"
#include "train/budget.h"
#include "train/evaluation_interval.h"
#include "train/optimizer.h"

namespace batchsweep {

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

// Whether a dense layer's weights are updated while their gradient is computed,
// which is then never stored as a whole, or all weights after all gradients.
// Both train to the same bits.
enum class WeightUpdates { kFused, kSeparate };
constexpr const char* NameOf(WeightUpdates updates) {
  switch (updates) {
    case WeightUpdates::kFused:
      return "fused";
    case WeightUpdates::kSeparate:
      return "separate";
  }
  return nullptr;
}

// Who computes the products of a network: XNNPACK's operators unless ours are
// faster on this machine, XNNPACK's wherever it has one, ours wherever we have
// one, or what an earlier run chose.
struct KernelSelection {
  enum class Kind { kFastest, kXnnpack, kOwn, kFile };
  Kind kind = Kind::kFastest;
  std::filesystem::path file;  // that run's run.json
};
// Null for a file: its path stands for it.
constexpr const char* NameOf(KernelSelection::Kind kind) {
  switch (kind) {
    case KernelSelection::Kind::kFastest:
      return "fastest";
    case KernelSelection::Kind::kXnnpack:
      return "xnnpack";
    case KernelSelection::Kind::kOwn:
      return "own";
    case KernelSelection::Kind::kFile:
      return nullptr;
  }
  return nullptr;
}

struct SweepConfig {
  ModelSpec model;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  std::vector<int64_t> batch_sizes;
  std::vector<int> threads = {1};
  WeightMemory memory = WeightMemory::kFast;
  WeightUpdates updates = WeightUpdates::kFused;
  KernelSelection kernels;
  // What came of that, see sweep/kernel_choices.h; ours for batch sizes and
  // threads that have none.
  std::vector<NetworkChoices> kernel_choices;
  std::vector<int64_t> seeds = {1};
  int processes = 1;  // that repeat each cell, in rounds of all cells
  CellOrder order = CellOrder::kGiven;
  Budget budget;
  std::optional<EvaluationInterval> val_every;  // beside ends of epochs
  bool shuffle = true;
  OptimizerConfig optimizer;
  BatchRules rules;
  NoiseScope noise_scope = NoiseScope::kNone;  // needs separate updates
  InitialWeights init;
  double sample_hz = 10.0;  // readings of the board's state; 0: none
  std::optional<double> cool_to_celsius;  // to wait for before each cell
  double soak_seconds = 0.0;              // of training before each cell's own
  std::vector<int> pin;                   // cores to compute on; any if empty
  bool realtime = false;  // compute before all usual threads, if allowed
  // What is to be reached: an accuracy in validation, or a loss on the first
  // target_examples of the training set; at most one is given.
  std::optional<double> target_accuracy;
  std::optional<double> target_loss;
  std::optional<int64_t> target_examples;  // given with target_loss
  bool stop_at_target = false;             // a cell that reached it is done
  std::filesystem::path out;  // exists; weights/ and checkpoint/ are made in it
};

// What the cells of that batch size train with.
OptimizerConfig OptimizerOf(const SweepConfig& config, int64_t batch_size);

// In a round, cells run seed by seed, within them by threads, batch sizes as
// given, unless shuffled; there is a round for each process. So a run that is
// interrupted has all batch sizes of the seeds that it finished.
std::vector<CellKey> SweepCells(const SweepConfig& config);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_SWEEP_CONFIG_H_
