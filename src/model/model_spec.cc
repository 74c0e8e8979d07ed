#include "model/model_spec.h"

#include <cstddef>
#include <set>

namespace batchsweep {
namespace {

// 4 TiB of float32: far above any board, far below an overflow of bytes.
constexpr int64_t kMaxWeights = int64_t{1} << 40;

Shape OutputShape(const LayerSpec& layer, const Shape& input) {
  if (std::holds_alternative<FlattenSpec>(layer)) return {{input.elements()}};
  if (const auto* dense = std::get_if<DenseSpec>(&layer)) {
    return {{dense->units}};
  }
  return input;
}

Activation ActivationOf(const LayerSpec& layer) {
  if (const auto* dense = std::get_if<DenseSpec>(&layer)) {
    return dense->activation;
  }
  const auto* other = std::get_if<ActivationSpec>(&layer);
  return other ? other->activation : Activation::kLinear;
}

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
  Shape input = model.input_shape;
  for (const LayerSpec& layer : model.layers) {
    // Keras would apply it to the last axis alone.
    if (std::holds_alternative<DenseSpec>(layer) && input.dims.size() != 1) {
      return Fail(
          "{}: layer \"{}\" is a Dense on an input of {}; put a Flatten before "
          "it",
          origin, LayerName(layer), input.ToString());
    }
    input = OutputShape(layer, input);
  }
  int64_t weights = 0;
  for (const ParamSpec& param : ModelParams(model)) {
    weights += param.shape.elements();
    if (weights <= kMaxWeights) continue;
    return Fail("{}: {} brings the model to {} weights, at most {} are read",
                origin, param.name, weights, kMaxWeights);
  }
  return {};
}

Status CheckClassifierEnd(const ModelSpec& model, std::string_view origin) {
  const std::vector<LayerSpec>& layers = model.layers;
  if (layers.empty()) {
    return Fail("{}: the model has no layers; end it with a Dense", origin);
  }
  const auto* dense = std::get_if<DenseSpec>(&layers.back());
  if (!dense && layers.size() > 1 &&
      std::holds_alternative<ActivationSpec>(layers.back())) {
    dense = std::get_if<DenseSpec>(&layers[layers.size() - 2]);
    if (dense && dense->activation != Activation::kLinear) dense = nullptr;
  }
  const Activation end = ActivationOf(layers.back());
  if (!dense || (end != Activation::kLinear && end != Activation::kSoftmax)) {
    return Fail(
        "{}: layer \"{}\" is the last but gives no class scores; end with a "
        "Dense that is softmax or linear",
        origin, LayerName(layers.back()));
  }
  if (dense->units < 2) {
    return Fail(
        "{}: layer \"{}\" is the last and has units 1; give it one for "
        "each class, 2 or more",
        origin, dense->name);
  }
  return {};
}

}  // namespace

const std::string& LayerName(const LayerSpec& layer) {
  return std::visit(
      [](const auto& spec) -> const std::string& { return spec.name; }, layer);
}

std::vector<Shape> LayerOutputShapes(const ModelSpec& model) {
  std::vector<Shape> shapes;
  Shape shape = model.input_shape;
  for (const LayerSpec& layer : model.layers) {
    shape = OutputShape(layer, shape);
    shapes.push_back(shape);
  }
  return shapes;
}

std::vector<int> LayerInputs(const ModelSpec& model, size_t layer) {
  if (!model.inputs.empty()) return model.inputs[layer];
  return {static_cast<int>(layer) - 1};  // kModelInput for the first
}

std::vector<ParamSpec> ModelParams(const ModelSpec& model) {
  std::vector<ParamSpec> params;
  Shape input = model.input_shape;
  for (const LayerSpec& layer : model.layers) {
    if (const auto* dense = std::get_if<DenseSpec>(&layer)) {
      params.push_back({dense->name + "/kernel",
                        {{input.elements(), dense->units}},
                        dense->kernel_initializer});
      if (dense->use_bias) {
        params.push_back(
            {dense->name + "/bias", {{dense->units}}, dense->bias_initializer});
      }
    }
    input = OutputShape(layer, input);
  }
  return params;
}

Status CheckModel(const ModelSpec& model, std::string_view origin) {
  RETURN_IF_ERROR(CheckNames(model, origin));
  RETURN_IF_ERROR(CheckShapes(model, origin));
  for (size_t i = 0; i + 1 < model.layers.size(); ++i) {
    if (ActivationOf(model.layers[i]) != Activation::kSoftmax) continue;
    return Fail("{}: layer \"{}\" is softmax but not the last; move it there",
                origin, LayerName(model.layers[i]));
  }
  return CheckClassifierEnd(model, origin);
}

}  // namespace batchsweep
