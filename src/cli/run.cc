#include <algorithm>
#include <filesystem>
#include <format>
#include <span>

#include "cli/commands.h"
#include "cli/describe_run.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_advice.h"
#include "cli/run_folder.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "measure/sampler.h"
#include "model/describe.h"
#include "model/initializers.h"
#include "model/loss.h"
#include "platform/clock.h"
#include "platform/cores.h"
#include "platform/counters.h"
#include "platform/file.h"
#include "platform/interrupt.h"
#include "platform/memory.h"
#include "platform/process.h"
#include "platform/sensors.h"
#include "record/csv_reader.h"
#include "record/earlier_run.h"
#include "record/process_spread.h"
#include "record/run_info.h"
#include "record/summary_table.h"
#include "sweep/kernel_choices.h"
#include "sweep/overhead.h"
#include "sweep/sweep.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

// Refused now rather than after data and folder are made.
Status CheckInitialWeights(const SweepConfig& config) {
  switch (config.init.kind) {
    case InitialWeights::Kind::kShared:
    case InitialWeights::Kind::kFresh:
      return {};
    case InitialWeights::Kind::kFile: {
      const auto weights =
          ReadWeights(ModelParams(config.model), config.init.file);
      return weights ? Status() : std::unexpected(weights.error());
    }
  }
  return {};
}

Status CheckTemperatureIsKnown(const SweepConfig& config, Sensors& sensors) {
  if (!config.cool_to_celsius) return {};
  if (sensors.Read(MonotonicNs()).cpu_temp_celsius) return {};
  return Fail(
      "--cool-to: this machine does not tell its CPU's temperature; batchsweep "
      "info says why");
}

// Tells a warning, once in all parts of a run.
void Warn(RunInfo& info, const Warning& warning) {
  if (!info.AddWarning(warning)) return;
  PrintMessage("warning: {}", warning.message);
}

void PrintSummary(const RunOptions& options, const RunInfo& info,
                  std::span<const SummaryRecord> summaries) {
  if (options.json) {
    WriteOutput(SummaryJson(summaries, info.advice));
  } else if (!summaries.empty()) {
    PrintOutput("\n{}", SummaryTable(summaries));
    const std::string spread = SpreadTable(info.processes);
    if (!spread.empty()) PrintOutput("\nBetween processes:\n\n{}", spread);
    const std::string answer = AdviceParagraph(info.advice);
    if (!answer.empty()) PrintOutput("\n{}\n", answer);
    PrintOutput("\nAll figures: {}\n",
                Escaped((options.sweep.out / "summary.csv").string()));
  }
}

void WarnOfCells(const SweepPosition& position, RunInfo& info) {
  for (const int64_t batch_size : position.diverged_batches) {
    Warn(info, {"diverged", std::format("batch size {} diverged: its loss is "
                                        "not finite; try a smaller --lr",
                                        batch_size)});
  }
  if (!position.weights_are_live) {
    info.packed_weights = "re-created";
    Warn(info,
         {"repacked_weights",
          "this XNNPACK's packed weights cannot be rewritten in place: "
          "operators are created anew at each step, which makes it slower"});
  }
  for (const Warning& warning : position.warnings) Warn(info, warning);
}

// Ends run.json with what became of the run, and says it.
Result<int> Conclude(const RunOptions& options, const SweepResult& result,
                     RunInfo& info) {
  const SweepConfig& config = options.sweep;
  WarnOfCells(result.position, info);
  const bool diverged = !result.position.diverged_batches.empty();
  info.status = result.interrupted ? "interrupted"
                : diverged         ? "diverged"
                                   : "complete";
  info.finished_utc = UtcNow();
  ASSIGN_OR_RETURN(const auto summaries,
                   ReadCsv<SummaryRecord>(config.out / "summary.csv"));
  info.processes = SpreadOfProcesses(summaries);
  ASSIGN_OR_RETURN(info.advice, AdviceOf(options, summaries, info.warnings));
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  PrintSummary(options, info, summaries);
  if (result.interrupted) {
    PrintMessage(
        "interrupted; what was recorded is in {}; the same command "
        "with --resume goes on",
        config.out.string());
    return kExitInterrupted;
  }
  if (options.require_clean && !info.warnings.empty()) {
    PrintMessage("not clean: {} warning{}, see above and {}",
                 info.warnings.size(), info.warnings.size() == 1 ? "" : "s",
                 (config.out / "run.json").string());
    return kExitInvalid;
  }
  return diverged ? kExitInvalid : kExitValid;
}

// All rounds of cells, each in a program begun anew where that can be: the
// spread between them has that of where code and memory lie in it.
Result<SweepResult> RunRounds(const SweepConfig& config, const LoadedData& data,
                              const Engine& engine, Sensors& sensors,
                              SweepPosition position, RunInfo& info) {
  ProgressPrinter progress;
  const auto cells = std::ssize(SweepCells(config));
  while (true) {
    ASSIGN_OR_RETURN(SweepResult result,
                     RunRound(config, data.parts, *engine.kernels, sensors,
                              std::move(position), progress));
    if (result.interrupted || result.position.cells_done == cells) {
      return result;
    }
    WarnOfCells(result.position, info);
    RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
    RestartProgram("--resume");
    position = std::move(result.position);
  }
}

Result<RunFolder> StartInFolder(const RunOptions& options,
                                const LoadedData& data,
                                const LoadedModel& model, RunInfo& info) {
  if (!options.resume && !options.resume_anyway) {
    return StartNew(options.sweep, info, model.json);
  }
  return StartResumed(
      options.sweep, data.parts.train.size(),
      options.resume_anyway ? OtherMachine::kGoOn : OtherMachine::kRefuse,
      model.json, info);
}

// A run that is gone on with keeps what it chose. Without a run.json there is
// none, as StartResumed() says.
Result<std::vector<KernelRecord>> KernelsOfRun(const RunOptions& options,
                                               const LoadedData& data,
                                               const Engine& engine) {
  const SweepConfig& config = options.sweep;
  if (!options.resume && !options.resume_anyway) {
    // With ours, which take no more than XNNPACK's: the trials take memory too.
    RETURN_IF_ERROR(CheckMemory(options, data, engine));
    return ChooseKernels(config, *engine.kernels,
                         OtherBatches(config, data.parts), LoneBodies::kSkip);
  }
  const std::filesystem::path run = config.out / "run.json";
  std::error_code ignored;
  if (!std::filesystem::exists(run, ignored)) return {};
  return ReadKernels(run);
}

// What cannot be recorded either is told by the error itself all the same.
void RecordFailure(const SweepConfig& config, const Error& error,
                   RunInfo& info) {
  info.status = "failed";
  info.error = error.message;
  info.finished_utc = UtcNow();
  (void)WriteRunInfo(config.out / "run.json", info);
}

}  // namespace

Result<int> RunCommand(RunOptions options) {
  CatchInterrupts();
  ReturnFreedMemory();
  SweepConfig& config = options.sweep;
  ASSIGN_OR_RETURN(const LoadedModel model, LoadModel(options.model));
  config.model = model.spec;
  RETURN_IF_ERROR(CompleteOptions(options));
  RETURN_IF_ERROR(CheckInitialWeights(config));
  ASSIGN_OR_RETURN(const Engine engine, StartEngine(config.threads));
  ASSIGN_OR_RETURN(const LoadedData data, LoadData(options));
  options.loss = config.loss = data.loss;
  ASSIGN_OR_RETURN(const std::vector<KernelRecord> kernels,
                   KernelsOfRun(options, data, engine));
  ASSIGN_OR_RETURN(config.kernel_choices, ChoicesOf(kernels));
  RETURN_IF_ERROR(CheckMemory(options, data, engine));
  Sensors sensors;
  RETURN_IF_ERROR(CheckTemperatureIsKnown(config, sensors));

  RunInfo info = DescribeRun(options, model, data, engine, sensors);
  info.kernels = kernels;
  ASSIGN_OR_RETURN(RunFolder folder, StartInFolder(options, data, model, info));
  for (const Warning& warning : folder.warnings) Warn(info, warning);
  for (const Warning& warning : FirstWarnings(info)) Warn(info, warning);
  // Not again by a program begun anew for the next round.
  if (folder.position.cells_done == 0 || folder.position.UnderWay()) {
    WriteMessages(Headline(options, info));
  }
  ReadProgramFiles();
  const Result<int> exit_code = [&]() -> Result<int> {
    ASSIGN_OR_RETURN(const SweepResult result,
                     RunRounds(config, data, engine, sensors,
                               std::move(folder.position), info));
    return Conclude(options, result, info);
  }();
  if (!exit_code) RecordFailure(config, exit_code.error(), info);
  return exit_code;
}

}  // namespace batchsweep
