#include "cli/describe_run.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <functional>
#include <optional>

#include "cli/run_flags.h"
#include "cli/text.h"
#include "data/page_budget.h"
#include "measure/sampler.h"
#include "model/describe.h"
#include "platform/clock.h"
#include "platform/counters.h"
#include "platform/memory.h"
#include "platform/system.h"
#include "record/build_info.h"
#include "record/summary_table.h"
#include "sweep/kernel_choices.h"
#include "sweep/overhead.h"
#include "util/checksum.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

// Absent without a file, and of one that cannot be read, which is refused by
// whoever reads it.
std::optional<std::string> InitialWeightsCrc32(const InitialWeights& init) {
  switch (init.kind) {
    case InitialWeights::Kind::kShared:
    case InitialWeights::Kind::kFresh:
      return std::nullopt;
    case InitialWeights::Kind::kFile:
      break;
  }
  const auto checksum = ChecksumOfFile(init.file);
  if (!checksum) return std::nullopt;
  return Crc32Text(checksum->crc32);
}

RunInfo::Model DescribeModel(const LoadedModel& model,
                             const InitialWeights& init) {
  int64_t parameters = 0;
  for (const ParamSpec& param : ModelParams(model.spec)) {
    parameters += param.shape.elements();
  }
  return {.name = model.spec.name,
          .keras_name = model.keras_name,
          .input_shape = model.spec.input_shape.ToString(),
          .layers = DescribeLayers(model.spec),
          .parameters = parameters,
          .crc32 = Crc32Text(ChecksumOf(model.json).crc32),
          .initial_weights_crc32 = InitialWeightsCrc32(init)};
}

RunInfo::Data DescribeData(const RunOptions& options, const LoadedData& data) {
  const Dataset& train = data.source->train;
  const DataMemory memory = MemoryOf(*data.source);
  return {.name = data.source->name,
          .example_shape = train.example_shape.ToString(),
          .class_count = train.class_count,
          .train_examples = data.parts.train.size(),
          .validation_examples = data.parts.validation.size(),
          .validation_from = NameOf(options.val_from),
          .test_examples = data.parts.test.size(),
          .crc32 = Crc32Text(DataChecksum(data.parts).crc32),
          .resident_bytes = memory.resident_bytes,
          .mapped_bytes = memory.mapped_bytes};
}

// "0.0005 at 8, 0.001 at 32": of each batch size.
template <class Text>
std::string AtEach(const SweepConfig& sweep, const Text& text) {
  std::string each;
  for (const int64_t batch_size : sweep.batch_sizes) {
    each += std::format("{}{} at {}", each.empty() ? "" : ", ",
                        text(OptimizerOf(sweep, batch_size)), batch_size);
  }
  return each;
}

std::string LearningRates(const SweepConfig& sweep) {
  std::string text = std::format("lr {}", sweep.optimizer.learning_rate);
  const auto times = [&](const char* factor) {
    return std::format("{} x {}(batch/{}): {}", text, factor,
                       sweep.rules.reference_batch,
                       AtEach(sweep, [](const OptimizerConfig& optimizer) {
                         return std::format("{:.4g}", optimizer.learning_rate);
                       }));
  };
  switch (sweep.rules.lr) {
    case LrRule::kNone:
      return text;
    case LrRule::kSqrt:
      return times("sqrt");
    case LrRule::kLinear:
      return times("");
  }
  return text;
}

// What --adam-rule makes of each batch size; nothing without a rule.
std::string AdamRules(const SweepConfig& sweep) {
  const auto from = [&](const char* settings, const auto& text) {
    return std::format("; {} rule from {}: {} {}", NameOf(sweep.rules.adam),
                       sweep.rules.reference_batch, settings,
                       AtEach(sweep, text));
  };
  switch (sweep.rules.adam) {
    case AdamRule::kNone:
      return "";
    case AdamRule::kHalfLife:
      return from("beta2", [](const OptimizerConfig& optimizer) {
        return std::format("{:.6g}", optimizer.beta2);
      });
    case AdamRule::kSde:
      return from("lr, beta1, beta2", [](const OptimizerConfig& optimizer) {
        return std::format("{:.4g} {:.4g} {:.6g}", optimizer.learning_rate,
                           optimizer.beta1, optimizer.beta2);
      });
  }
  return "";
}

std::string ValidationText(ValidationFrom from, const RunInfo::Data& data) {
  switch (from) {
    case ValidationFrom::kTrain:
      return std::format("{} validation, {} test examples",
                         data.validation_examples, data.test_examples);
    case ValidationFrom::kTest:
      return std::format("{} test examples, of which {} validate",
                         data.test_examples, data.validation_examples);
  }
  return "";
}

// Tells of data that stay in their files; nothing if all are in RAM.
std::string MappedText(const RunInfo::Data& data) {
  if (data.mapped_bytes == 0) return "";
  return std::format("; {} mapped, {} in memory",
                     FormatBytes(data.mapped_bytes),
                     FormatBytes(data.resident_bytes));
}

// Who multiplies: "57, 55, 0 % of the multiply-adds by XNNPACK, the rest by
// ours", a share for each batch size and number of threads, or one if all are
// alike.
std::string WorkText(const SweepConfig& sweep,
                     const std::vector<KernelRecord>& kernels) {
  std::vector<int> shares;
  for (const int threads : sweep.threads) {
    for (const int64_t batch_size : sweep.batch_sizes) {
      const MultiplyAdds work = WorkOf(kernels, batch_size, threads);
      shares.push_back(
          static_cast<int>(std::lround(100.0 * work.xnnpack_share())));
    }
  }
  if (std::ranges::adjacent_find(shares, std::ranges::not_equal_to()) ==
      shares.end()) {
    shares.resize(1);
  }
  return std::format("{} % of the multiply-adds by XNNPACK, the rest by ours",
                     JoinedNumbers(shares));
}

}  // namespace

RunInfo DescribeRun(const RunOptions& options, const LoadedModel& model,
                    const LoadedData& data, const Engine& engine,
                    Sensors& sensors) {
  const Counters counters;
  const SensorSources sources = SampledSources(sensors, counters);
  return {.command = options.command,
          .started_utc = UtcNow(),
          .build = GetBuildInfo(),
          .xnnpack_version = xnn::Version(),
          .model = DescribeModel(model, options.sweep.init),
          .data = DescribeData(options, data),
          .config = SettingsOf(options),
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
}

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

std::string Headline(const RunOptions& options, const RunInfo& info) {
  const SweepConfig& sweep = options.sweep;
  const auto line = [](const char* about, const std::string& text) {
    constexpr size_t kTextColumn = 7;
    return std::format("{:<{}}{}\n", about, kTextColumn,
                       Wrapped(Escaped(text), kTextColumn));
  };
  return line("model", std::format("{}, {} weights; {}; {}, {}",
                                   info.model.name, info.model.parameters,
                                   NameOf(sweep.loss), options.optimizer.name,
                                   LearningRates(sweep) + AdamRules(sweep))) +
         line("data", std::format("{}: {} training, {}{}", info.data.name,
                                  info.data.train_examples,
                                  ValidationText(options.val_from, info.data),
                                  MappedText(info.data))) +
         line("cpu",
              std::format("{}, {} kernels, {} thread{}", info.cpu.model_name,
                          info.kernels_isa, JoinedNumbers(sweep.threads),
                          sweep.threads == std::vector{1} ? "" : "s")) +
         line("work", WorkText(sweep, info.kernels));
}

}  // namespace batchsweep
