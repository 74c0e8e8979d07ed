// From flags to everything a sweep needs, checked before anything runs.
#ifndef BATCHSWEEP_CLI_SETUP_H_
#define BATCHSWEEP_CLI_SETUP_H_

#include <memory>
#include <string>

#include "cli/commands.h"
#include "data/dataset.h"
#include "model/loss.h"
#include "model/model_spec.h"
#include "platform/cpu.h"
#include "platform/error.h"
#include "train/budget.h"
#include "train/optimizer.h"
#include "train/training_data.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// The CPU and XNNPACK, ready to compute.
struct Engine {
  Cpu cpu;
  const Kernels* kernels = nullptr;
};
// Refuses more threads than this process may use cores.
Result<Engine> StartEngine(const std::vector<int>& threads);

// A zoo model by name, a Keras JSON file otherwise.
Result<ModelSpec> LoadModel(const std::string& name);

Result<OptimizerConfig> OptimizerOf(const RunOptions& options);

// Ten epochs if none is given.
Budget BudgetOf(const RunOptions& options);

// The data set and its parts. Movable: the parts point to `source`.
struct LoadedData {
  std::unique_ptr<DataSource> source;
  TrainingData parts;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
};
// Chooses the loss. Refuses data that does not fit the model or the loss:
// another shape, more classes than the model has outputs, no labels where the
// loss wants some, no examples left for a part.
Result<LoadedData> LoadData(const RunOptions& options, const ModelSpec& model);

// Refuses a batch size that --memory-limit or the machine has no room for.
// Call with the data loaded: what is free then is what is left.
Status CheckMemory(const RunOptions& options, const ModelSpec& model,
                   const OptimizerConfig& optimizer, const LoadedData& data,
                   const Engine& engine);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_SETUP_H_
