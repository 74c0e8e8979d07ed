#include "model/model_spec.h"

#include <utility>

#include "util/check.h"

namespace batchsweep {

std::vector<Shape> LayerOutputShapes(const ModelSpec& model) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    Result<Shape> shape = LayerOutputShape(
        model.layers[i], LayerInputShapes(model, i, shapes), model.name);
    CHECK(shape.has_value());
    shapes.push_back(*std::move(shape));
  }
  return shapes;
}

std::vector<int> LayerInputs(const ModelSpec& model, size_t layer) {
  if (!model.inputs.empty()) return model.inputs[layer];
  return {static_cast<int>(layer) - 1};  // kModelInput for the first
}

std::vector<Shape> LayerInputShapes(const ModelSpec& model, size_t layer,
                                    const std::vector<Shape>& outputs) {
  std::vector<Shape> shapes;
  for (const int input : LayerInputs(model, layer)) {
    CHECK(input >= kModelInput && input < static_cast<int>(layer));
    shapes.push_back(input == kModelInput
                         ? model.input_shape
                         : outputs[static_cast<size_t>(input)]);
  }
  CHECK(!shapes.empty());
  return shapes;
}

std::vector<ParamSpec> ModelParams(const ModelSpec& model) {
  const std::vector<Shape> outputs = LayerOutputShapes(model);
  std::vector<ParamSpec> params;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    for (ParamSpec& param : LayerParams(
             model.layers[i], LayerInputShapes(model, i, outputs).front())) {
      params.push_back(std::move(param));
    }
  }
  return params;
}

}  // namespace batchsweep
