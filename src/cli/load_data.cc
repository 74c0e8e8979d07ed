#include "cli/load_data.h"

#include <algorithm>
#include <format>
#include <utility>

#include "data/source.h"
#include "model/model_spec.h"

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
  if (options.loss) return *options.loss;
  return DefaultLoss(
      model, data.labels.empty() ? GroundTruth::kTargets : GroundTruth::kLabel);
}

// Whether made-up data is to be reconstructed: nothing else can be learnt from
// it by a model whose outputs are no classes.
bool Reconstructs(const RunOptions& options, const ModelSpec& model) {
  if (options.loss) return !TraitsOf(*options.loss).tells_classes;
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
  switch (options.val_from) {
    case ValidationFrom::kTrain: {
      const int64_t held_back = std::min(
          kValidationExamples, (all + kValidationShare - 1) / kValidationShare);
      parts.train.end = all - held_back;
      parts.validation = {&source.train, parts.train.end, all};
      break;
    }
    case ValidationFrom::kTest:
      break;
  }
  const auto limit = [](ExampleRange& range, std::optional<int64_t> count) {
    if (count) range.end = std::min(range.end, range.begin + *count);
  };
  limit(parts.train, options.train_limit);
  limit(parts.validation, options.val_limit);
  return parts;
}

Status CheckBatchSizes(const RunOptions& options, const TrainingData& parts) {
  const int64_t largest = std::ranges::max(options.sweep.batch_sizes);
  const int64_t examples = parts.train.size();
  if (largest <= examples) return {};
  return Fail(
      "--batch-sizes {}: {} has {} training example{} here; choose batch sizes "
      "of at most {}",
      largest, options.data, examples, examples == 1 ? "" : "s", examples);
}

}  // namespace

Result<LoadedData> LoadData(const RunOptions& options) {
  const ModelSpec& model = options.sweep.model;
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
  RETURN_IF_ERROR(CheckBatchSizes(options, data.parts));
  return data;
}

Checksum DataChecksum(const TrainingData& parts) {
  Checksum checksum;
  for (const ExampleRange& range :
       {parts.train, parts.validation, parts.test}) {
    const Dataset& data = *range.dataset;
    const auto add = [&]<class Value>(const std::vector<Value>& values) {
      const size_t each = values.size() / static_cast<size_t>(data.size());
      checksum.Add(
          std::span(values).subspan(each * static_cast<size_t>(range.begin),
                                    each * static_cast<size_t>(range.size())));
    };
    add(data.images);
    add(data.floats);
    add(data.labels);
    add(data.targets);
  }
  return checksum;
}

}  // namespace batchsweep
