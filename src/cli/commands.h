// What the commands do, after their flags are parsed. Each returns the exit
// code, or an error that RunCli() prints as one line.
#ifndef BATCHSWEEP_CLI_COMMANDS_H_
#define BATCHSWEEP_CLI_COMMANDS_H_

#include <string>

#include "cli/run_options.h"
#include "platform/error.h"

namespace batchsweep {

inline constexpr int kExitValid = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitInvalid = 2;
inline constexpr int kExitInterrupted = 130;

// Each reads of the options what its flags fill, see cli/run_flags.cc.
Result<int> RunCommand(RunOptions options);
Result<int> PlanCommand(RunOptions options);
Result<int> KernelsCommand(RunOptions options);
Result<int> InfoCommand(const RunOptions& options);
Result<int> OverheadCommand(const RunOptions& options);
Result<int> RooflineCommand(const RunOptions& options);
Result<int> ModelsCommand();
Result<int> ShowModelCommand(const std::string& name);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_COMMANDS_H_
