// What the commands do, after their flags are parsed. Each returns the exit
// code, or an error that RunCli() prints as one line.
#ifndef BATCHSWEEP_CLI_COMMANDS_H_
#define BATCHSWEEP_CLI_COMMANDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/error.h"

namespace batchsweep {

inline constexpr int kExitValid = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitInvalid = 2;
inline constexpr int kExitInterrupted = 130;

// Flags of `run` and `plan`, by their names.
struct RunOptions {
  std::string command;  // the whole line, for run.json
  std::string model = "mlp";
  std::string data = "fashion-mnist";
  std::vector<int64_t> batch_sizes = {8, 32, 128};
  std::optional<int64_t> epochs;  // 10 if neither steps nor seconds is given
  std::optional<int64_t> steps;
  std::optional<double> seconds;
  std::string optimizer = "adam";
  std::optional<float> learning_rate;  // Keras' defaults if absent
  std::optional<float> momentum;
  std::optional<float> weight_decay;
  bool nesterov = false;
  std::string lr_rule = "none";
  int64_t seeds = 1;
  std::string init = "shared";
  std::string loss = "auto";
  std::vector<int> threads = {1};
  std::string memory = "fast";
  std::optional<int64_t> train_limit;
  std::string val_from = "train";
  std::optional<int64_t> val_limit;
  bool no_shuffle = false;
  int processes = 1;
  std::string order = "given";
  double sample_hz = 10.0;
  std::optional<double> cool_to_celsius;
  double soak_seconds = 0.0;
  std::vector<int> pin;
  bool realtime = false;
  std::optional<double> target_accuracy;
  bool require_clean = false;
  std::optional<int64_t> memory_limit_mib;
  bool resume = false;
  std::string out = "results";
  bool json = false;
};

Result<int> RunCommand(const RunOptions& options);
Result<int> PlanCommand(const RunOptions& options);
Result<int> InfoCommand(bool json);
Result<int> OverheadCommand(double sample_hz, bool json);
Result<int> RooflineCommand(const std::vector<int>& threads);
Result<int> ModelsCommand();
Result<int> ShowModelCommand(const std::string& name);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_COMMANDS_H_
