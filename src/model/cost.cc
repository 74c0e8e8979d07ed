#include "model/cost.h"

#include <algorithm>

namespace batchsweep {
namespace {

bool Trains(const LayerSpec& layer, const Shape& input) {
  return std::ranges::any_of(LayerParams(layer, input), &ParamSpec::trainable);
}

}  // namespace

std::vector<int64_t> ForwardFlops(const ModelSpec& model) {
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  std::vector<int64_t> flops;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const Shape input = LayerInputShapes(model, i, shapes).front();
    flops.push_back(2 * LayerMultiplyAdds(model.layers[i], input, shapes[i]));
  }
  return flops;
}

int64_t TrainingFlops(const ModelSpec& model) {
  const std::vector<int64_t> forward = ForwardFlops(model);
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  std::vector<bool> trains(model.layers.size());
  int64_t flops = 0;
  for (size_t i = 0; i < forward.size(); ++i) {
    bool in_front = false;
    for (const int input : LayerInputs(model, i)) {
      in_front |= input != kModelInput && trains[static_cast<size_t>(input)];
    }
    flops += forward[i] * (in_front ? 3 : 2);
    trains[i] = in_front || Trains(model.layers[i],
                                   LayerInputShapes(model, i, shapes).front());
  }
  return flops;
}

}  // namespace batchsweep
