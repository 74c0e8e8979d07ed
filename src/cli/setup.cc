#include "cli/setup.h"

#include <algorithm>
#include <filesystem>
#include <format>

#include "data/source.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "platform/file.h"
#include "platform/memory.h"
#include "sweep/memory_fit.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

constexpr int64_t kValidationExamples = 5'000;  // of 60,000, as the notebook
constexpr int64_t kValidationShare = 12;  // of smaller sets: the same part

int64_t ClassCount(const ModelSpec& model) {
  return LayerOutputShapes(model).back().elements();
}

// (H, W) and (C) as images of one channel and one row.
Shape ImageShapeOf(const Shape& input) {
  std::vector<int64_t> dims = input.dims;
  if (dims.size() == 1) return {{1, dims[0], 1}};
  if (dims.size() == 2) dims.push_back(1);
  return {dims};
}

Loss LossOf(const RunOptions& options, const Dataset& data,
            const ModelSpec& model) {
  if (const auto loss = FindLoss(options.loss)) return *loss;
  return DefaultLoss(
      model, data.labels.empty() ? GroundTruth::kTargets : GroundTruth::kLabel);
}

// Whether made-up data is to be reconstructed: nothing else can be learnt from
// it by a model whose outputs are no classes.
bool Reconstructs(const RunOptions& options, const ModelSpec& model) {
  if (const auto loss = FindLoss(options.loss)) {
    return !TraitsOf(*loss).tells_classes;
  }
  return !EndsInSoftmax(model) &&
         ClassCount(model) == model.input_shape.elements();
}

Status CheckDataFitsLoss(const DataSource& source, const ModelSpec& model,
                         Loss loss) {
  const Dataset& data = source.train;
  const int64_t outputs = ClassCount(model);
  const bool has_labels = !data.labels.empty();
  const LossTraits traits = TraitsOf(loss);
  if (traits.reads == GroundTruth::kLabel && !has_labels) {
    return Fail("{} has no labels, which {} learns from; choose another --loss",
                source.name, traits.name);
  }
  if (!traits.tells_classes && has_labels) {
    return Fail(
        "{} has labels; {} learns from targets or the inputs: choose another "
        "--loss or data",
        source.name, traits.name);
  }
  if (has_labels) {
    if (data.class_count <= outputs) return {};
    return Fail(
        "model {} tells {} classes apart, {} has {}; give its last layer as "
        "many units",
        model.name, outputs, source.name, data.class_count);
  }
  const int64_t targets = data.targets.empty() ? data.example_shape.elements()
                                               : data.target_shape.elements();
  if (targets == outputs) return {};
  return Fail(
      "model {} has {} outputs, {} has {} targets an example{}; give its last "
      "layer as many",
      model.name, outputs, source.name, targets,
      data.targets.empty() ? ", its inputs" : "");
}

Status CheckDataFitsModel(const DataSource& source, const ModelSpec& model) {
  const Shape& image = source.train.example_shape;
  const bool flat = model.input_shape.dims.size() == 1;
  const bool fits = flat ? image.elements() == model.input_shape.elements()
                         : image == ImageShapeOf(model.input_shape);
  if (!fits) {
    return Fail(
        "model {} takes inputs of {}, the images of {} are {}; choose a model "
        "made for them",
        model.name, model.input_shape.ToString(), source.name,
        image.ToString());
  }
  return {};
}

TrainingData Split(const RunOptions& options, const DataSource& source) {
  const int64_t all = source.train.size();
  TrainingData parts{.train = {&source.train, 0, all},
                     .validation = {&source.test, 0, source.test.size()},
                     .test = {&source.test, 0, source.test.size()}};
  if (options.val_from == "train") {
    const int64_t held_back = std::min(
        kValidationExamples, (all + kValidationShare - 1) / kValidationShare);
    parts.train.end = all - held_back;
    parts.validation = {&source.train, parts.train.end, all};
  }
  const auto limit = [](ExampleRange& range, std::optional<int64_t> count) {
    if (count) range.end = std::min(range.end, range.begin + *count);
  };
  limit(parts.train, options.train_limit);
  limit(parts.validation, options.val_limit);
  return parts;
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

Result<ModelSpec> LoadModel(const std::string& name) {
  if (const auto zoo_model = FindZooModel(name)) {
    return ParseKerasJson(zoo_model->json, "zoo model " + name);
  }
  std::error_code ignored;
  if (!std::filesystem::exists(name, ignored)) {
    std::string names;
    for (const ZooModel& zoo_model : ZooModels()) {
      names += std::format("{}{}", names.empty() ? "" : ", ", zoo_model.name);
    }
    return Fail("--model {}: no such file, and the zoo has {}", name, names);
  }
  ASSIGN_OR_RETURN(const std::string json, ReadFile(name));
  return ParseKerasJson(json, name);
}

Result<OptimizerConfig> OptimizerOf(const RunOptions& options) {
  return MakeOptimizer(options.optimizer,
                       {.learning_rate = options.learning_rate,
                        .momentum = options.momentum,
                        .nesterov = options.nesterov,
                        .weight_decay = options.weight_decay});
}

Result<LoadedData> LoadData(const RunOptions& options, const ModelSpec& model) {
  if (model.input_shape.dims.size() > 3) {
    return Fail("model {} takes inputs of {}; images are (H, W) or (H, W, C)",
                model.name, model.input_shape.ToString());
  }
  SyntheticShape synthetic = {.example_shape = ImageShapeOf(model.input_shape),
                              .class_count = ClassCount(model),
                              .reconstruct = Reconstructs(options, model)};
  if (options.train_limit) {
    // As many as are left when Split() holds its share back.
    constexpr int64_t kTrained = kValidationShare - 1;
    synthetic.train_size =
        *options.train_limit + (*options.train_limit + kTrained - 1) / kTrained;
  }
  ASSIGN_OR_RETURN(DataSource source, LoadSource(options.data, synthetic));
  RETURN_IF_ERROR(CheckDataFitsModel(source, model));
  LoadedData data{.source = std::make_unique<DataSource>(std::move(source)),
                  .parts = {}};
  data.loss = LossOf(options, data.source->train, model);
  RETURN_IF_ERROR(
      CheckEnd(model, data.loss, std::format("model {}", model.name)));
  RETURN_IF_ERROR(CheckDataFitsLoss(*data.source, model, data.loss));
  data.parts = Split(options, *data.source);
  if (data.parts.train.size() < 1) {
    return Fail(
        "{}: too few training examples to hold some back for validation; use "
        "--val-from test",
        options.data);
  }
  return data;
}

Budget BudgetOf(const RunOptions& options) {
  if (options.steps) return {.steps = options.steps};
  if (options.seconds) return {.seconds = options.seconds};
  constexpr int64_t kDefaultEpochs = 10;
  return {.epochs = options.epochs.value_or(kDefaultEpochs)};
}

Status CheckMemory(const RunOptions& options, const ModelSpec& model,
                   const OptimizerConfig& optimizer, const LoadedData& data,
                   const Engine& engine) {
  ThreadPool pool(1);  // the plan is the same for any number
  const MemoryQuestion question{
      .model = model,
      .optimizer = optimizer,
      .loss = data.loss,
      .lean = options.memory == "lean",
      .train_examples = data.parts.train.size(),
      .budget = BudgetOf(options),
      .context = {.kernels = engine.kernels, .pool = &pool}};
  const int64_t largest = std::ranges::max(options.batch_sizes);
  if (options.memory_limit_mib) {
    const int64_t taken = ReadProcessMemory().rss_bytes.value_or(0);
    const int64_t room = *options.memory_limit_mib * 1024 * 1024 - taken;
    RETURN_IF_ERROR(CheckFits(question, largest, std::max<int64_t>(room, 0),
                              "--memory-limit"));
  }
  if (const auto available = AvailableMemoryBytes()) {
    return CheckFits(question, largest, *available, "this machine");
  }
  return {};
}

}  // namespace batchsweep
