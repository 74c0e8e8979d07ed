#include "cli/commands.h"
#include "cli/machine_report.h"
#include "cli/output.h"
#include "cli/setup.h"

namespace batchsweep {

Result<int> InfoCommand(const RunOptions& options) {
  ASSIGN_OR_RETURN(const Engine engine, StartEngine({1}));
  const MachineReport report = DescribeMachine(engine.cpu);
  WriteOutput(options.json ? ReportJson(report) : ReportText(report));
  return kExitValid;
}

}  // namespace batchsweep
