// The folder of results when a run begins.
#ifndef BATCHSWEEP_CLI_RUN_FOLDER_H_
#define BATCHSWEEP_CLI_RUN_FOLDER_H_

#include <string_view>
#include <vector>

#include "measure/warning.h"
#include "platform/error.h"
#include "platform/folder.h"
#include "record/earlier_run.h"
#include "record/run_info.h"
#include "sweep/sweep_config.h"
#include "sweep/sweep_position.h"

namespace batchsweep {

// A folder that is this process's alone to write to, ready for the cells.
struct RunFolder {
  FolderLock lock;
  SweepPosition position;
  std::vector<Warning> warnings;  // to be told and recorded
};

// Makes config.out, with empty tables, a checkpoint, a copy of the model as
// model.json and, last, run.json in it: a folder without run.json is one that
// no run began in, whatever a crash left there. Refuses a folder that another
// process writes to, that holds a run already, or that holds something by the
// name of what the run is to write; a model.json of the same bytes is none.
Result<RunFolder> StartNew(const SweepConfig& config, const RunInfo& info,
                           std::string_view model_json);

// Where the run in config.out stopped. Refuses a folder that another process
// writes to, a run of other settings, one that is not as it was written; takes
// over into `info` what AdoptEarlierRun() does.
Result<RunFolder> StartResumed(const SweepConfig& config,
                               int64_t train_examples,
                               OtherMachine other_machine,
                               std::string_view model_json, RunInfo& info);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_RUN_FOLDER_H_
