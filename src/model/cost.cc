#include "model/cost.h"

#include <algorithm>

namespace batchsweep {
namespace {

int64_t Area(const Extent2D& extent) { return extent.height * extent.width; }

// Multiply-adds of one layer from `input` to `output`.
struct MultiplyAdds {
  const Shape& input;
  const Shape& output;

  int64_t operator()(const DenseSpec& spec) const {
    return input.elements() * spec.units;
  }
  int64_t operator()(const Conv2DSpec& spec) const {
    return output.elements() * Area(spec.kernel_size) * input.dims[2];
  }
  int64_t operator()(const DepthwiseConv2DSpec& spec) const {
    return output.elements() * Area(spec.kernel_size);
  }
  int64_t operator()(const SeparableConv2DSpec& spec) const {
    const int64_t pixels = output.dims[0] * output.dims[1];
    const int64_t middle = input.dims[2] * spec.depthwise.depth_multiplier;
    return pixels * middle *
           (Area(spec.depthwise.kernel_size) + output.dims[2]);
  }
  template <class Other>
  int64_t operator()(const Other&) const {
    return 0;
  }
};

bool Trains(const LayerSpec& layer) {
  return std::holds_alternative<DenseSpec>(layer) ||
         std::holds_alternative<Conv2DSpec>(layer) ||
         std::holds_alternative<DepthwiseConv2DSpec>(layer) ||
         std::holds_alternative<SeparableConv2DSpec>(layer) ||
         std::holds_alternative<BatchNormalizationSpec>(layer);
}

}  // namespace

std::vector<int64_t> ForwardFlops(const ModelSpec& model) {
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  std::vector<int64_t> flops;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const int from = LayerInputs(model, i)[0];
    const Shape& input = from == kModelInput
                             ? model.input_shape
                             : shapes[static_cast<size_t>(from)];
    flops.push_back(
        2 * std::visit(MultiplyAdds{input, shapes[i]}, model.layers[i]));
  }
  return flops;
}

int64_t TrainingFlops(const ModelSpec& model) {
  const std::vector<int64_t> forward = ForwardFlops(model);
  std::vector<bool> trains(model.layers.size());
  int64_t flops = 0;
  for (size_t i = 0; i < forward.size(); ++i) {
    bool in_front = false;
    for (const int input : LayerInputs(model, i)) {
      in_front |= input != kModelInput && trains[static_cast<size_t>(input)];
    }
    flops += forward[i] * (in_front ? 3 : 2);
    trains[i] = in_front || Trains(model.layers[i]);
  }
  return flops;
}

}  // namespace batchsweep
