// What a run is, before it begins: for run.json and for its first lines.
#ifndef BATCHSWEEP_CLI_DESCRIBE_RUN_H_
#define BATCHSWEEP_CLI_DESCRIBE_RUN_H_

#include <string>
#include <vector>

#include "cli/setup.h"
#include "measure/warning.h"
#include "platform/sensors.h"
#include "record/run_info.h"

namespace batchsweep {

// All of run.json that is known beforehand. REQUIRES: the options are complete,
// with model and loss.
RunInfo DescribeRun(const RunOptions& options, const LoadedModel& model,
                    const LoadedData& data, const Engine& engine,
                    Sensors& sensors);

// Of the build and the machine as they are before anything runs.
std::vector<Warning> FirstWarnings(const RunInfo& info);

// What a run trains, on what and by what, in lines of 80 columns: "model  mlp:
// 50890 weights, ...". A rule's learning rates are told for each batch size.
std::string Headline(const RunOptions& options, const RunInfo& info);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_DESCRIBE_RUN_H_
