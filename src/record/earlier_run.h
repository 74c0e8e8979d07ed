// run.json read back, by a run that goes on with an earlier one.
#ifndef BATCHSWEEP_RECORD_EARLIER_RUN_H_
#define BATCHSWEEP_RECORD_EARLIER_RUN_H_

#include <filesystem>
#include <vector>

#include "measure/warning.h"
#include "platform/error.h"
#include "record/kernel_record.h"
#include "record/run_info.h"

namespace batchsweep {

// An error says which version the file has, that it is no run.json, or that it
// is not as it was written.
Status CheckRunInfo(const std::filesystem::path& path);

// Who computed that run. The same errors.
Result<std::vector<KernelRecord>> ReadKernels(
    const std::filesystem::path& path);

// What becomes of a run that is resumed by another program or on another CPU
// than it began with: its figures are no longer those of one machine.
enum class OtherMachine { kRefuse, kGoOn };

struct EarlierRun {
  bool more_epochs = false;          // are asked for now than it had
  std::vector<Warning> differences;  // in program and CPU
};

// Whether the run of an earlier run.json can be gone on with as `info`: an
// error names the first thing of model, data or config that differs, but for a
// larger number of epochs, or, if that is to be refused, of program and CPU.
// Takes over its warnings, its command, and the moment it began.
Result<EarlierRun> AdoptEarlierRun(const std::filesystem::path& path,
                                   OtherMachine other_machine, RunInfo& info);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_EARLIER_RUN_H_
