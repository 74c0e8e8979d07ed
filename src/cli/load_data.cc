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

// How many of a training set's last examples validate.
int64_t ValidationOf(int64_t examples) {
  return std::min(kValidationExamples,
                  (examples + kValidationShare - 1) / kValidationShare);
}

Selection SelectionOf(const RunOptions& options) {
  return {.held_back_of = options.val_from == ValidationFrom::kTrain
                              ? ValidationOf
                              : nullptr,
          .train_limit = options.train_limit,
          .held_back_limit = options.val_limit};
}

TrainingData PartsOf(const RunOptions& options, const DataSource& source) {
  const auto all = [](const Dataset& set) {
    return ExampleRange{&set, 0, set.size()};
  };
  TrainingData parts{.train = all(source.train),
                     .validation = all(source.held_back),
                     .test = all(source.test)};
  switch (options.val_from) {
    case ValidationFrom::kTrain:
      break;
    case ValidationFrom::kTest:
      parts.validation = parts.test;
      if (options.val_limit) {
        parts.validation.end =
            std::min(parts.validation.end, *options.val_limit);
      }
      break;
  }
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

// Adds values in pieces, after each of which the pages of a mapped file are
// given back: there may be more of them than RAM. That it became shorter is
// found by the first epoch, if by nothing here.
template <class Value>
void AddValues(const Values<Value>& values, Checksum& checksum) {
  constexpr size_t kPiece = size_t{64} * 1024 * 1024 / sizeof(Value);
  for (size_t begin = 0; begin < values.size(); begin += kPiece) {
    const size_t count = std::min(kPiece, values.size() - begin);
    checksum.Add(std::span(values).subspan(begin, count));
    if (values.mapped_file() == nullptr) continue;
    [[maybe_unused]] const Status status = values.mapped_file()->DropPages();
  }
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
    // As many as are left when their share is held back.
    constexpr int64_t kTrained = kValidationShare - 1;
    synthetic.train_size =
        *options.train_limit + (*options.train_limit + kTrained - 1) / kTrained;
  }
  ASSIGN_OR_RETURN(DataSource source,
                   LoadSource(options.data, synthetic, SelectionOf(options)));
  if (source.train.size() < 1) {
    return Fail(
        "{}: too few training examples to hold some back for validation; use "
        "--val-from test",
        options.data);
  }
  RETURN_IF_ERROR(CheckDataFitsModel(source, model));
  LoadedData data{.source = std::make_unique<DataSource>(std::move(source)),
                  .parts = {}};
  data.loss = LossOf(options, data.source->train, model);
  RETURN_IF_ERROR(
      CheckEnd(model, data.loss, std::format("model {}", model.name)));
  RETURN_IF_ERROR(CheckDataFitsLoss(*data.source, model, data.loss));
  data.parts = PartsOf(options, *data.source);
  RETURN_IF_ERROR(CheckBatchSizes(options, data.parts));
  return data;
}

Checksum DataChecksum(const TrainingData& parts) {
  Checksum checksum;
  for (const ExampleRange& range :
       {parts.train, parts.validation, parts.test}) {
    if (range.size() == 0) continue;
    const Dataset used = range.dataset->Part({range.begin, range.end});
    AddValues(used.images, checksum);
    AddValues(used.floats, checksum);
    AddValues(used.labels, checksum);
    AddValues(used.targets, checksum);
  }
  return checksum;
}

}  // namespace batchsweep
