#include "cli/setup.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <format>
#include <utility>

#include "cli/text.h"
#include "data/page_budget.h"
#include "model/keras_json.h"
#include "model/limits.h"
#include "model/zoo.h"
#include "platform/cores.h"
#include "platform/file.h"
#include "platform/memory.h"
#include "train/noise_scale.h"
#include "xnn/operator.h"
#include "xnn/thread_pool.h"

namespace batchsweep {
namespace {

template <class Number>
Status RefuseTwice(const char* flag, std::vector<Number> values) {
  std::ranges::sort(values);
  const auto twice = std::ranges::adjacent_find(values);
  if (twice == values.end()) return {};
  return Fail("{}: {} is named twice", flag, *twice);
}

Status CheckCores(const SweepConfig& sweep) {
  if (sweep.pin.empty()) return {};
  RETURN_IF_ERROR(RefuseTwice("--pin", sweep.pin));
  const std::vector<int> allowed = AllowedCores();
  for (const int core : sweep.pin) {
    if (std::ranges::contains(allowed, core)) continue;
    return Fail("--pin {}: not a core that this process may use; those are {}",
                core, JoinedNumbers(allowed));
  }
  const int threads = std::ranges::max(sweep.threads);
  if (std::ssize(sweep.pin) >= threads) return {};
  return Fail("--pin {}: expected at least as many cores as --threads, {}",
              JoinedNumbers(sweep.pin), threads);
}

// Each cell takes a row of memory before the first begins, and a moment at
// least: more would be a mistake.
Status CheckCells(const SweepConfig& sweep) {
  constexpr int64_t kMostCells = 1'000'000;
  int64_t cells = sweep.processes;  // in 64 bits, whatever a size has
  for (const size_t count :
       {sweep.batch_sizes.size(), sweep.threads.size(), sweep.seeds.size()}) {
    cells *= static_cast<int64_t>(count);
  }
  if (cells <= kMostCells) return {};
  return Fail(
      "a sweep of {} batch sizes, {} numbers of threads, {} seeds and {} "
      "processes trains {} times; at most {} are possible",
      sweep.batch_sizes.size(), sweep.threads.size(), sweep.seeds.size(),
      sweep.processes, cells, kMostCells);
}

std::string RuleOfRate(const BatchRules& rules) {
  return rules.adam == AdamRule::kSde
             ? "--adam-rule sde"
             : std::format("--lr-rule {}", NameOf(rules.lr));
}

// A rule can scale a rate beyond what a float holds.
Status CheckLearningRates(const SweepConfig& sweep) {
  for (const int64_t batch_size : sweep.batch_sizes) {
    const float rate = OptimizerOf(sweep, batch_size).learning_rate;
    if (std::isfinite(rate) && rate > 0.0f) continue;
    return Fail(
        "--lr {}: {} makes {} of it at batch size {}; choose one "
        "that stays a number above 0",
        sweep.optimizer.learning_rate, RuleOfRate(sweep.rules), rate,
        batch_size);
  }
  return {};
}

Status CompleteBudget(Budget& budget) {
  constexpr int64_t kDefaultEpochs = 10;
  const int given = int{budget.epochs.has_value()} +
                    int{budget.steps.has_value()} +
                    int{budget.seconds.has_value()};
  if (given > 1) {
    return Fail("expected one of --epochs, --steps and --seconds, found {}",
                given);
  }
  if (given == 0) budget.epochs = kDefaultEpochs;
  return {};
}

Status CompleteTarget(SweepConfig& sweep) {
  constexpr int64_t kDefaultExamples = 8192;
  if (sweep.target_accuracy && sweep.target_loss) {
    return Fail("expected one of --target-accuracy and --target-loss, found 2");
  }
  if (sweep.target_examples && !sweep.target_loss) {
    return Fail("--target-examples: expected --target-loss beside it");
  }
  if (sweep.stop_at_target && !sweep.target_accuracy && !sweep.target_loss) {
    return Fail(
        "--stop-at-target: expected --target-accuracy or --target-loss beside "
        "it");
  }
  if (sweep.target_loss && !sweep.target_examples) {
    sweep.target_examples = kDefaultExamples;
  }
  return {};
}

// The name that stands in the JSON may be whatever Keras counted up to:
// "sequential_34".
LoadedModel Named(std::string name, ModelSpec spec, std::string json) {
  LoadedModel model{.spec = std::move(spec), .json = std::move(json)};
  model.keras_name = std::exchange(model.spec.name, std::move(name));
  return model;
}

}  // namespace

Result<Engine> StartEngine(const std::vector<int>& threads) {
  ASSIGN_OR_RETURN(Cpu cpu, DetectCpu());
  if (const int most = std::ranges::max(threads); most > cpu.usable_cores) {
    return Fail("--threads {}: this process may use {} of {} cores", most,
                cpu.usable_cores, cpu.cores);
  }
  RETURN_IF_ERROR(xnn::Initialize());
  const Kernels& kernels = KernelsFor(cpu.isa);
  return Engine{.cpu = std::move(cpu), .kernels = &kernels};
}

Result<LoadedModel> LoadModel(const std::string& name) {
  if (const auto zoo_model = FindZooModel(name)) {
    ASSIGN_OR_RETURN(ModelSpec spec,
                     ParseKerasJson(zoo_model->json, "zoo model " + name));
    return Named(name, std::move(spec), std::string(zoo_model->json));
  }
  const std::filesystem::path path = name;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    std::vector<std::string> names;
    for (const ZooModel& zoo_model : ZooModels()) {
      names.emplace_back(zoo_model.name);
    }
    const std::string near = NearestName(name, names);
    return Fail("--model {}: no such file{}, and the zoo has {}", name,
                near.empty() ? "" : " (did you mean " + near + "?)",
                JoinedChoices(names));
  }
  // Before it is read, since it may have any size.
  const uintmax_t bytes = std::filesystem::file_size(path, ignored);
  if (!ignored && std::cmp_greater(bytes, kMaxJsonBytes)) {
    return Fail("--model {}: has {} bytes, a model's JSON has at most {}", name,
                bytes, kMaxJsonBytes);
  }
  ASSIGN_OR_RETURN(std::string json, ReadFile(path));
  ASSIGN_OR_RETURN(ModelSpec spec, ParseKerasJson(json, name));
  return Named(path.stem().string(), std::move(spec), std::move(json));
}

Status CompleteOptions(RunOptions& options) {
  SweepConfig& sweep = options.sweep;
  RETURN_IF_ERROR(RefuseTwice("--batch-sizes", sweep.batch_sizes));
  RETURN_IF_ERROR(RefuseTwice("--threads", sweep.threads));
  RETURN_IF_ERROR(RefuseTwice("--seeds", options.seeds.numbers));
  sweep.seeds = options.seeds.numbers;
  RETURN_IF_ERROR(CheckCells(sweep));
  RETURN_IF_ERROR(CheckCores(sweep));
  RETURN_IF_ERROR(CompleteBudget(sweep.budget));
  RETURN_IF_ERROR(CompleteTarget(sweep));
  RETURN_IF_ERROR(CheckNoiseScope(sweep.model, sweep.noise_scope));
  // The norm of the whole gradient needs all of it.
  if (sweep.noise_scope != NoiseScope::kNone) {
    sweep.updates = WeightUpdates::kSeparate;
  }
  OptimizerOptions& asked = options.optimizer_options;
  ASSIGN_OR_RETURN(sweep.optimizer,
                   MakeOptimizer(options.optimizer.name, asked));
  RETURN_IF_ERROR(CheckRules(sweep.optimizer, sweep.rules, sweep.batch_sizes));
  RETURN_IF_ERROR(CheckLearningRates(sweep));
  asked.learning_rate = sweep.optimizer.learning_rate;
  asked.momentum = sweep.optimizer.momentum;
  asked.weight_decay = sweep.optimizer.weight_decay;
  return {};
}

MemoryQuestion QuestionOf(const RunOptions& options, const LoadedData& data,
                          const ComputeContext& context) {
  const SweepConfig& sweep = options.sweep;
  return {.model = sweep.model,
          .optimizer = sweep.optimizer,
          .loss = data.loss,
          .lean = sweep.memory == WeightMemory::kLean,
          .fuses_updates = sweep.updates == WeightUpdates::kFused,
          .extent = ExtentOf(sweep, data.parts),
          .context = context,
          .choices = sweep.kernel_choices};
}

Status CheckMemory(const RunOptions& options, const LoadedData& data,
                   const Engine& engine) {
  ThreadPool pool(1);  // the plan is the same for any number
  const MemoryQuestion question =
      QuestionOf(options, data, {.kernels = engine.kernels, .pool = &pool});
  const SweepConfig& sweep = options.sweep;
  const int64_t largest = std::ranges::max(sweep.batch_sizes);
  const int64_t rss_bytes = ReadProcessMemory().rss_bytes.value_or(0);
  // What is mapped needs no room, since the system takes it back as it likes.
  const int64_t dataset_bytes = MemoryOf(*data.source).resident_bytes;
  MemoryLeft left = {
      .dataset_bytes = dataset_bytes,
      .program_bytes = std::max<int64_t>(rss_bytes - dataset_bytes, 0)};
  if (options.memory_limit_mib) {
    left.bytes = std::max<int64_t>(
        *options.memory_limit_mib * 1024 * 1024 - rss_bytes, 0);
    left.where = "--memory-limit";
    RETURN_IF_ERROR(CheckFits(question, largest, left));
  }
  // Those that compute beside the first, and the sampler's.
  const int new_threads =
      std::ranges::max(sweep.threads) - 1 + (sweep.sample_hz > 0.0 ? 1 : 0);
  const auto room = AvailableMemory(new_threads);
  if (!room) return {};
  left.bytes = room->bytes;
  left.where = room->limit;
  return CheckFits(question, largest, left);
}

}  // namespace batchsweep
