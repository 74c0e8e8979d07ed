#include <algorithm>
#include <filesystem>
#include <format>
#include <print>
#include <span>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/setup.h"
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
#include "record/process_spread.h"
#include "record/run_info.h"
#include "record/summary_table.h"
#include "sweep/overhead.h"
#include "sweep/sweep.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

std::string JoinNumbers(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) {
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  }
  return text;
}

template <class Number>
Status RefuseTwice(const char* flag, std::vector<Number> values) {
  std::ranges::sort(values);
  const auto twice = std::ranges::adjacent_find(values);
  if (twice == values.end()) return {};
  return Fail("{}: {} is named twice", flag, *twice);
}

Status CheckCores(const RunOptions& options) {
  if (options.pin.empty()) return {};
  RETURN_IF_ERROR(RefuseTwice("--pin", options.pin));
  const std::vector<int> allowed = AllowedCores();
  for (const int core : options.pin) {
    if (std::ranges::contains(allowed, core)) continue;
    return Fail("--pin {}: not a core that this process may use; those are {}",
                core, JoinNumbers(allowed));
  }
  const int threads = std::ranges::max(options.threads);
  if (std::ssize(options.pin) >= threads) return {};
  return Fail("--pin {}: expected at least as many cores as --threads, {}",
              JoinNumbers(options.pin), threads);
}

Result<SweepConfig> ConfigOf(const RunOptions& options, ModelSpec model,
                             const OptimizerConfig& optimizer) {
  SweepConfig config{.model = std::move(model),
                     .batch_sizes = options.batch_sizes,
                     .threads = options.threads,
                     .lean = options.memory == "lean",
                     .seeds = options.seeds,
                     .processes = options.processes,
                     .order = options.order == "shuffled" ? CellOrder::kShuffled
                                                          : CellOrder::kGiven,
                     .budget = BudgetOf(options),
                     .shuffle = !options.no_shuffle,
                     .optimizer = optimizer,
                     .sample_hz = options.sample_hz,
                     .cool_to_celsius = options.cool_to_celsius,
                     .soak_seconds = options.soak_seconds,
                     .pin = options.pin,
                     .realtime = options.realtime,
                     .target_accuracy = options.target_accuracy,
                     .out = options.out};
  ASSIGN_OR_RETURN(config.lr_rule, ParseLrRule(options.lr_rule));
  RETURN_IF_ERROR(RefuseTwice("--batch-sizes", options.batch_sizes));
  RETURN_IF_ERROR(RefuseTwice("--threads", options.threads));
  RETURN_IF_ERROR(CheckCores(options));
  if (options.init == "fresh") {
    config.init.kind = InitialWeights::Kind::kFresh;
  } else if (options.init != "shared") {
    config.init = {.kind = InitialWeights::Kind::kFile, .file = options.init};
    // Refused now rather than after data and folder are made.
    RETURN_IF_ERROR(ReadWeights(ModelParams(config.model), options.init));
  }
  return config;
}

RunInfo Describe(const RunOptions& options, const SweepConfig& config,
                 const LoadedData& data, const Engine& engine,
                 Sensors& sensors) {
  const Counters counters;
  const SensorSources sources = SampledSources(sensors, counters);
  int64_t parameters = 0;
  for (const ParamSpec& param : ModelParams(config.model)) {
    parameters += param.shape.elements();
  }
  RunInfo info{
      .command = options.command,
      .started_utc = UtcNow(),
      .build = GetBuildInfo(),
      .xnnpack_version = xnn::Version(),
      .model = {.name = config.model.name,
                .input_shape = config.model.input_shape.ToString(),
                .layers = DescribeLayers(config.model),
                .parameters = parameters},
      .data = {.name = data.source->name,
               .example_shape = data.source->train.example_shape.ToString(),
               .class_count = data.source->train.class_count,
               .train_examples = data.parts.train.size(),
               .validation_examples = data.parts.validation.size(),
               .validation_from = options.val_from,
               .test_examples = data.parts.test.size()},
      .config = {.batch_sizes = config.batch_sizes,
                 .epochs = config.budget.epochs,
                 .steps = config.budget.steps,
                 .seconds = config.budget.seconds,
                 .optimizer = options.optimizer,
                 .learning_rate = config.optimizer.learning_rate,
                 .lr_rule = options.lr_rule,
                 .momentum = config.optimizer.momentum,
                 .nesterov = config.optimizer.nesterov,
                 .weight_decay = config.optimizer.weight_decay,
                 .seeds = config.seeds,
                 .init = options.init,
                 .shuffle = config.shuffle,
                 .loss = NameOf(data.loss),
                 .memory = options.memory,
                 .threads = options.threads,
                 .processes = options.processes,
                 .order = options.order,
                 .sample_hz = options.sample_hz,
                 .cool_to_celsius = options.cool_to_celsius,
                 .soak_seconds = options.soak_seconds,
                 .pin = options.pin,
                 .realtime = options.realtime,
                 .target_accuracy = options.target_accuracy},
      .cpu = engine.cpu,
      .kernels_isa = IsaName(engine.kernels->isa),
      .system = DescribeSystem(),
      .ram_bytes = TotalMemoryBytes(),
      .swap = ReadSwap(),
      .page_bytes = PageBytes(),
      .clock = MeasureClock(),
      .frequency_source = sources.frequency,
      .energy_grade = EnergyGradeName(sources.energy_grade),
      .energy_source = sources.power,
      .overhead = MeasureOverhead(sensors, counters)};
  return info;
}

// Of the build and the machine as they are before anything runs.
std::vector<Warning> FirstWarnings(const RunInfo& info) {
  std::vector<Warning> warnings;
  if (!info.build.optimized) {
    warnings.push_back(
        {"debug_build",
         "this is a debug or sanitizer build: its times mean nothing"});
  }
  if (info.system.governor && *info.system.governor != "performance") {
    warnings.push_back(
        {"governor", std::format("the CPU's governor is {}, not performance: "
                                 "times may vary",
                                 *info.system.governor)});
  }
  return warnings;
}

// Tells a warning, once in all parts of a run.
void Warn(RunInfo& info, const Warning& warning) {
  if (!info.AddWarning(warning)) return;
  std::println(stderr, "warning: {}", warning.message);
}

bool HoldsARun(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const char* file : {"run.json", "steps.csv", "epochs.csv"}) {
    if (std::filesystem::exists(folder / file, ignored)) return true;
  }
  return false;
}

Result<SweepPosition> StartNew(const SweepConfig& config, const RunInfo& info) {
  if (HoldsARun(config.out)) {
    return Fail(
        "--out {}: holds a run already; name another folder, move it away, or "
        "go on with it by --resume",
        config.out.string());
  }
  RETURN_IF_ERROR(MakeWritableFolder(config.out));
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  ASSIGN_OR_RETURN(
      const Recorder recorder,
      Recorder::Create(config.out,
                       info.overhead.counters_reading_ns.has_value()));
  SweepPosition position;
  position.recorded = recorder.recorded();
  RETURN_IF_ERROR(SaveCheckpoint(config.out / "checkpoint", position, nullptr));
  return position;
}

Result<SweepPosition> StartResumed(const SweepConfig& config, RunInfo& info) {
  RETURN_IF_ERROR(AdoptEarlierRun(config.out / "run.json", info));
  ASSIGN_OR_RETURN(SweepPosition position,
                   LoadCheckpoint(config.out / "checkpoint"));
  // Cut off what stands behind it now, even if no cell is left to do so.
  RETURN_IF_ERROR(Recorder::Resume(config.out, position.recorded));
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  return position;
}

Status PrintSummary(const RunOptions& options, const RunInfo& info,
                    std::span<const SummaryRecord> summaries) {
  if (options.json) {
    std::print("{}", SummaryJson(summaries));
  } else if (!summaries.empty()) {
    std::print("\n{}", SummaryTable(summaries));
    const std::string spread = SpreadTable(info.processes);
    if (!spread.empty()) std::print("\nBetween processes:\n\n{}", spread);
  }
  return {};
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
Result<int> Conclude(const RunOptions& options, const SweepConfig& config,
                     const SweepResult& result, RunInfo& info) {
  WarnOfCells(result.position, info);
  const bool diverged = !result.position.diverged_batches.empty();
  info.status = result.interrupted ? "interrupted"
                : diverged         ? "diverged"
                                   : "complete";
  info.finished_utc = UtcNow();
  ASSIGN_OR_RETURN(const auto summaries,
                   ReadCsv<SummaryRecord>(config.out / "summary.csv"));
  info.processes = SpreadOfProcesses(summaries);
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  RETURN_IF_ERROR(PrintSummary(options, info, summaries));
  if (result.interrupted) {
    std::println(stderr,
                 "interrupted; what was recorded is in {}; the same command "
                 "with --resume goes on",
                 config.out.string());
    return kExitInterrupted;
  }
  if (options.require_clean && !info.warnings.empty()) {
    std::println(stderr, "not clean: {} warning{}, see above and {}",
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

}  // namespace

Result<int> RunCommand(const RunOptions& options) {
  CatchInterrupts();
  ReturnFreedMemory();
  ASSIGN_OR_RETURN(ModelSpec model, LoadModel(options.model));
  ASSIGN_OR_RETURN(const OptimizerConfig optimizer, OptimizerOf(options));
  ASSIGN_OR_RETURN(SweepConfig config,
                   ConfigOf(options, std::move(model), optimizer));
  ASSIGN_OR_RETURN(const Engine engine, StartEngine(options.threads));
  ASSIGN_OR_RETURN(const LoadedData data, LoadData(options, config.model));
  config.loss = data.loss;
  RETURN_IF_ERROR(CheckMemory(options, config.model, optimizer, data, engine));

  Sensors sensors;
  if (options.cool_to_celsius &&
      !sensors.Read(MonotonicNs()).cpu_temp_celsius) {
    return Fail(
        "--cool-to: this machine does not tell its CPU's temperature; "
        "batchsweep info says why");
  }
  RunInfo info = Describe(options, config, data, engine, sensors);
  ASSIGN_OR_RETURN(SweepPosition position, options.resume
                                               ? StartResumed(config, info)
                                               : StartNew(config, info));
  for (const Warning& warning : FirstWarnings(info)) Warn(info, warning);
  // Not again by a program begun anew for the next round.
  if (position.cells_done == 0 || position.cell) {
    std::println(stderr,
                 "{} ({} weights) on {}: {} training, {} validation, {} test "
                 "examples; {} {}, {} thread{}",
                 info.model.name, info.model.parameters, info.data.name,
                 info.data.train_examples, info.data.validation_examples,
                 info.data.test_examples, info.cpu.model_name, info.kernels_isa,
                 JoinNumbers(options.threads),
                 options.threads == std::vector{1} ? "" : "s");
  }
  ASSIGN_OR_RETURN(
      const SweepResult result,
      RunRounds(config, data, engine, sensors, std::move(position), info));
  return Conclude(options, config, result, info);
}

}  // namespace batchsweep
