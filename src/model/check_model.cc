// What model_spec.h promises of CheckModel.
#include <cstddef>
#include <set>
#include <utility>

#include "model/limits.h"
#include "model/model_spec.h"

namespace batchsweep {
namespace {

// 4 TiB of float32: far above any board, far below an overflow of bytes.
constexpr int64_t kMaxWeights = int64_t{1} << 40;

Status CheckNames(const ModelSpec& model, std::string_view origin) {
  std::set<std::string> names;
  for (const LayerSpec& layer : model.layers) {
    if (names.insert(LayerName(layer)).second) continue;
    return Fail("{}: two layers are named \"{}\"; give each its own name",
                origin, LayerName(layer));
  }
  return {};
}

Status CheckShapes(const ModelSpec& model, std::string_view origin) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    ASSIGN_OR_RETURN(
        Shape shape,
        LayerOutputShape(model.layers[i], LayerInputShapes(model, i, shapes),
                         origin));
    shapes.push_back(std::move(shape));
  }
  return {};
}

// The product of the dimensions, or kMaxWeights + 1 if that is less.
int64_t CountWeights(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t dim : shape.dims) {
    if (dim > kMaxWeights / count) return kMaxWeights + 1;
    count *= dim;
  }
  return count;
}

Status CheckWeights(const ModelSpec& model, std::string_view origin) {
  int64_t weights = 0;
  bool trains = false;
  for (const ParamSpec& param : ModelParams(model)) {
    trains = trains || param.trainable;
    const int64_t count = CountWeights(param.shape);
    if (count > kMaxTensorValues) {
      return Fail("{}: {} has {} weights, expected at most {}; make it smaller",
                  origin, param.name, param.shape.ToString(), kMaxTensorValues);
    }
    weights += count;
    if (weights <= kMaxWeights) continue;
    return Fail("{}: {} brings the model beyond {} weights; make it smaller",
                origin, param.name, kMaxWeights);
  }
  if (trains) return {};
  return Fail("{}: the model has no weights to train; end it with a Dense",
              origin);
}

Status CheckSoftmaxIsLast(const ModelSpec& model, std::string_view origin) {
  for (size_t i = 0; i + 1 < model.layers.size(); ++i) {
    if (LayerActivation(model.layers[i]) != Activation::kSoftmax) continue;
    return Fail("{}: layer \"{}\" is softmax but not the last; move it there",
                origin, LayerName(model.layers[i]));
  }
  return {};
}

Status CheckAllAreRead(const ModelSpec& model, std::string_view origin) {
  std::set<int> read;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    for (const int input : LayerInputs(model, i)) read.insert(input);
  }
  for (size_t i = 0; i + 1 < model.layers.size(); ++i) {
    if (read.contains(static_cast<int>(i))) continue;
    return Fail("{}: layer \"{}\" is read by no other; remove it", origin,
                LayerName(model.layers[i]));
  }
  return {};
}

}  // namespace

Status CheckModel(const ModelSpec& model, std::string_view origin) {
  if (model.layers.empty()) {
    return Fail("{}: the model has no layers; end it with a Dense", origin);
  }
  RETURN_IF_ERROR(CheckNames(model, origin));
  RETURN_IF_ERROR(CheckShapes(model, origin));
  RETURN_IF_ERROR(CheckWeights(model, origin));
  RETURN_IF_ERROR(CheckSoftmaxIsLast(model, origin));
  return CheckAllAreRead(model, origin);
}

}  // namespace batchsweep
