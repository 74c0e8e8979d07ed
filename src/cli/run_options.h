// What the flags of `run` and `plan` say, as the types that the rest works
// with. cli/run_flags.cc lists the flags; a flag is a member here or in
// SweepConfig and an entry of that list.
#ifndef BATCHSWEEP_CLI_RUN_OPTIONS_H_
#define BATCHSWEEP_CLI_RUN_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/model_spec.h"
#include "sweep/sweep_config.h"
#include "train/optimizer.h"

namespace batchsweep {

// Which examples validate: the last of the training set, or the test set.
enum class ValidationFrom { kTrain, kTest };
constexpr const char* NameOf(ValidationFrom from) {
  switch (from) {
    case ValidationFrom::kTrain:
      return "train";
    case ValidationFrom::kTest:
      return "test";
  }
  return nullptr;
}

// One of OptimizerNames().
struct OptimizerName {
  std::string name = "adam";
};

// Of a sweep: by default as many as its figures can tell a spread from.
struct SeedList {
  std::vector<int64_t> numbers = {1, 2, 3};
};

struct RunOptions {
  std::string command;  // the whole line, for run.json
  std::string model = "mlp";
  std::string data = "fashion-mnist";
  std::optional<Loss> loss;  // absent: the data decide
  std::optional<int64_t> train_limit;
  ValidationFrom val_from = ValidationFrom::kTrain;
  std::optional<int64_t> val_limit;
  OptimizerName optimizer;
  OptimizerOptions optimizer_options;
  SeedList seeds;
  std::optional<int64_t> memory_limit_mib;
  bool require_clean = false;
  bool resume = false;
  bool resume_anyway = false;
  bool json = false;
  // Its model is not a flag's: LoadModel() reads it. The loss, the optimizer
  // and the seeds are made of the flags above.
  SweepConfig sweep = {.batch_sizes = {8, 32, 128}, .out = "results"};
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_RUN_OPTIONS_H_
