// The answer that a run ends with, from what it recorded.
#ifndef BATCHSWEEP_CLI_RUN_ADVICE_H_
#define BATCHSWEEP_CLI_RUN_ADVICE_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/run_options.h"
#include "measure/warning.h"
#include "platform/error.h"
#include "record/advice.h"
#include "record/summary_record.h"

namespace batchsweep {

// Reads evaluations.csv of the run's folder. Absent if no cell is done.
Result<std::optional<Advice>> AdviceOf(const RunOptions& options,
                                       std::span<const SummaryRecord> summaries,
                                       std::span<const Warning> warnings);

// Its sentences as a paragraph for a terminal; empty without advice.
std::string AdviceParagraph(const std::optional<Advice>& advice);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_RUN_ADVICE_H_
