// The flags of all commands, from one list.
#ifndef BATCHSWEEP_CLI_RUN_FLAGS_H_
#define BATCHSWEEP_CLI_RUN_FLAGS_H_

#include <vector>

#include "cli/flag.h"
#include "cli/run_options.h"
#include "platform/error.h"
#include "record/run_info.h"

namespace batchsweep {

// Gives `app` the flags of `command`. Parsing fills `options`, and `status` by
// the first value that a flag does not take. Both outlive `app`.
void AddFlags(CLI::App& app, Command command, RunOptions& options,
              Status& status);

// What run.json records of the flags: those that decide what a run records,
// which a run can be gone on with only if they are the same.
std::vector<Setting> SettingsOf(const RunOptions& options);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_RUN_FLAGS_H_
