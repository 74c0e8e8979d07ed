// The folder of results when a run begins.
#ifndef BATCHSWEEP_CLI_RUN_FOLDER_H_
#define BATCHSWEEP_CLI_RUN_FOLDER_H_

#include <string_view>

#include "platform/error.h"
#include "record/run_info.h"
#include "sweep/checkpoint.h"
#include "sweep/sweep_config.h"

namespace batchsweep {

// Makes config.out, with run.json, a copy of the model as model.json, empty
// tables and a checkpoint in it. Refuses a folder that holds a run already, or
// another model.json.
Result<SweepPosition> StartNew(const SweepConfig& config, const RunInfo& info,
                               std::string_view model_json);

// Where the run in config.out stopped. Refuses one of other settings; takes
// over into `info` what AdoptEarlierRun() does.
Result<SweepPosition> StartResumed(const SweepConfig& config, RunInfo& info);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_RUN_FOLDER_H_
