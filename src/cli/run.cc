#include <algorithm>
#include <filesystem>
#include <format>
#include <print>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/setup.h"
#include "model/describe.h"
#include "model/initializers.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/interrupt.h"
#include "platform/memory.h"
#include "platform/sensors.h"
#include "record/csv.h"
#include "record/run_info.h"
#include "record/summary_table.h"
#include "train/sweep.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

constexpr int64_t kDefaultEpochs = 10;

template <class Number>
Status RefuseTwice(const char* flag, std::vector<Number> values) {
  std::ranges::sort(values);
  const auto twice = std::ranges::adjacent_find(values);
  if (twice == values.end()) return {};
  return Fail("{}: {} is named twice", flag, *twice);
}

Result<SweepConfig> ConfigOf(const RunOptions& options, ModelSpec model,
                             const OptimizerConfig& optimizer) {
  SweepConfig config{.model = std::move(model),
                     .batch_sizes = options.batch_sizes,
                     .threads = options.threads,
                     .lean = options.memory == "lean",
                     .seeds = options.seeds,
                     .budget = {.epochs = options.epochs,
                                .steps = options.steps,
                                .seconds = options.seconds},
                     .shuffle = !options.no_shuffle,
                     .optimizer = optimizer,
                     .out = options.out};
  if (!options.epochs && !options.steps && !options.seconds) {
    config.budget.epochs = kDefaultEpochs;
  }
  ASSIGN_OR_RETURN(config.lr_rule, ParseLrRule(options.lr_rule));
  RETURN_IF_ERROR(RefuseTwice("--batch-sizes", options.batch_sizes));
  RETURN_IF_ERROR(RefuseTwice("--threads", options.threads));
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
                 const LoadedData& data, const Engine& engine) {
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
                 .loss = LossName(data.loss),
                 .memory = options.memory,
                 .threads = options.threads},
      .cpu = engine.cpu,
      .kernels_isa = IsaName(engine.kernels->isa),
      .system = DescribeSystem(),
      .ram_bytes = TotalMemoryBytes(),
      .swap = ReadSwap(),
      .page_bytes = PageBytes(),
      .clock = MeasureClock()};
  return info;
}

std::vector<std::string> Warnings(const RunInfo& info) {
  std::vector<std::string> warnings;
  if (!info.build.optimized) {
    warnings.push_back(
        "this is a debug or sanitizer build: its times mean nothing");
  }
  if (info.system.governor && *info.system.governor != "performance") {
    warnings.push_back(
        std::format("the CPU's governor is {}, not performance: times may vary",
                    *info.system.governor));
  }
  return warnings;
}

std::string JoinNumbers(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) {
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  }
  return text;
}

void Warn(RunInfo& info, std::string warning) {
  std::println(stderr, "warning: {}", warning);
  if (!std::ranges::contains(info.warnings, warning)) {
    info.warnings.push_back(std::move(warning));
  }
}

bool HoldsARun(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const char* file : {"run.json", "steps.csv", "epochs.csv"}) {
    if (std::filesystem::exists(folder / file, ignored)) return true;
  }
  return false;
}

struct Start {
  SweepPosition position;
  Recorder recorder;
};

Result<Start> StartNew(const SweepConfig& config, const RunInfo& info) {
  if (HoldsARun(config.out)) {
    return Fail(
        "--out {}: holds a run already; name another folder, move it away, or "
        "go on with it by --resume",
        config.out.string());
  }
  RETURN_IF_ERROR(MakeWritableFolder(config.out));
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  ASSIGN_OR_RETURN(Recorder recorder, Recorder::Create(config.out));
  SweepPosition position;
  position.recorded = recorder.recorded();
  RETURN_IF_ERROR(SaveCheckpoint(config.out / "checkpoint", position, nullptr));
  return Start{.position = {}, .recorder = std::move(recorder)};
}

Result<Start> StartResumed(const SweepConfig& config, RunInfo& info) {
  RETURN_IF_ERROR(AdoptEarlierRun(config.out / "run.json", info));
  ASSIGN_OR_RETURN(SweepPosition position,
                   LoadCheckpoint(config.out / "checkpoint"));
  ASSIGN_OR_RETURN(Recorder recorder,
                   Recorder::Resume(config.out, position.recorded));
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  return Start{.position = std::move(position),
               .recorder = std::move(recorder)};
}

Status PrintSummary(const RunOptions& options, const SweepConfig& config) {
  ASSIGN_OR_RETURN(const auto summaries,
                   ReadCsv<SummaryRecord>(config.out / "summary.csv"));
  if (options.json) {
    std::print("{}", SummaryJson(summaries));
  } else if (!summaries.empty()) {
    std::print("\n{}", SummaryTable(summaries));
  }
  return {};
}

// Ends run.json with what became of the run, and says it.
Result<int> Conclude(const RunOptions& options, const SweepConfig& config,
                     const SweepResult& result, RunInfo& info) {
  for (const int64_t batch_size : result.diverged_batches) {
    Warn(info, std::format("batch size {} diverged: its loss is not finite; "
                           "try a smaller --lr",
                           batch_size));
  }
  if (!result.weights_are_live) {
    info.packed_weights = "re-created";
    Warn(
        info,
        "this XNNPACK's packed weights cannot be rewritten in place: operators "
        "are created anew at each step, which makes it slower");
  }
  const bool diverged = !result.diverged_batches.empty();
  info.status = result.interrupted ? "interrupted"
                : diverged         ? "diverged"
                                   : "complete";
  info.finished_utc = UtcNow();
  RETURN_IF_ERROR(WriteRunInfo(config.out / "run.json", info));
  RETURN_IF_ERROR(PrintSummary(options, config));
  if (result.interrupted) {
    std::println(stderr,
                 "interrupted; what was recorded is in {}; the same command "
                 "with --resume goes on",
                 config.out.string());
    return kExitInterrupted;
  }
  return diverged ? kExitInvalid : kExitValid;
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

  RunInfo info = Describe(options, config, data, engine);
  auto start =
      options.resume ? StartResumed(config, info) : StartNew(config, info);
  if (!start) return std::unexpected(start.error());
  for (std::string& warning : Warnings(info)) Warn(info, std::move(warning));
  std::println(stderr,
               "{} ({} weights) on {}: {} training, {} validation, {} test "
               "examples; {} {}, {} thread{}",
               info.model.name, info.model.parameters, info.data.name,
               info.data.train_examples, info.data.validation_examples,
               info.data.test_examples, info.cpu.model_name, info.kernels_isa,
               JoinNumbers(options.threads),
               options.threads == std::vector{1} ? "" : "s");

  const Sensors sensors;
  ProgressPrinter progress;
  ASSIGN_OR_RETURN(
      const SweepResult result,
      RunSweep(config, data.parts, *engine.kernels, sensors,
               std::move(start->position), start->recorder, progress));
  return Conclude(options, config, result, info);
}

}  // namespace batchsweep
