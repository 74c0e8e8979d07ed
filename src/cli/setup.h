// From flags to everything a sweep needs, checked before anything runs.
#ifndef BATCHSWEEP_CLI_SETUP_H_
#define BATCHSWEEP_CLI_SETUP_H_

#include <string>
#include <vector>

#include "cli/load_data.h"
#include "cli/run_options.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "platform/cpu.h"
#include "platform/error.h"
#include "sweep/memory_fit.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// The CPU and XNNPACK, ready to compute.
struct Engine {
  Cpu cpu;
  const Kernels* kernels = nullptr;
};
// Refuses more threads than this process may use cores.
Result<Engine> StartEngine(const std::vector<int>& threads);

struct LoadedModel {
  ModelSpec spec;  // by the name of the zoo, or the file's without .json
  std::string keras_name;  // that stands in the JSON
  std::string json;        // the text that all of it was read from
};
// A zoo model by name, a Keras JSON file otherwise.
Result<LoadedModel> LoadModel(const std::string& name);

// Makes the optimizer and fills in what the flags leave open: afterwards the
// options say what is used, by Keras' defaults and a budget of ten epochs.
// Refuses flags that do not go together, whatever the model and the data.
Status CompleteOptions(RunOptions& options);

// What there is to know about memory. `options` and `data` outlive it.
// REQUIRES: options.sweep is complete and has its model.
MemoryQuestion QuestionOf(const RunOptions& options, const LoadedData& data,
                          const ComputeContext& context);

// Refuses a batch size that --memory-limit or the machine has no room for.
// REQUIRES: as QuestionOf; the data are loaded, since what is free then is what
// is left.
Status CheckMemory(const RunOptions& options, const LoadedData& data,
                   const Engine& engine);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_SETUP_H_
