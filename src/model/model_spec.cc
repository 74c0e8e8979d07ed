#include "model/model_spec.h"

#include <cstddef>
#include <utility>

#include "model/layer_shape.h"
#include "util/check.h"

namespace batchsweep {
namespace {

using Params = std::vector<ParamSpec>;

struct ClassOf {
  std::string_view operator()(const FlattenSpec&) { return "Flatten"; }
  std::string_view operator()(const DenseSpec&) { return "Dense"; }
  std::string_view operator()(const ActivationSpec&) { return "Activation"; }
  std::string_view operator()(const Conv2DSpec&) { return "Conv2D"; }
  std::string_view operator()(const DepthwiseConv2DSpec&) {
    return "DepthwiseConv2D";
  }
  std::string_view operator()(const SeparableConv2DSpec&) {
    return "SeparableConv2D";
  }
  std::string_view operator()(const Pooling2DSpec& pooling) {
    return pooling.kind == Pooling2DSpec::Kind::kMax ? "MaxPooling2D"
                                                     : "AveragePooling2D";
  }
  std::string_view operator()(const GlobalAveragePooling2DSpec&) {
    return "GlobalAveragePooling2D";
  }
  std::string_view operator()(const BatchNormalizationSpec&) {
    return "BatchNormalization";
  }
  std::string_view operator()(const DropoutSpec&) { return "Dropout"; }
  std::string_view operator()(const ZeroPadding2DSpec&) {
    return "ZeroPadding2D";
  }
  std::string_view operator()(const ReshapeSpec&) { return "Reshape"; }
  std::string_view operator()(const RescalingSpec&) { return "Rescaling"; }
  std::string_view operator()(const AddSpec&) { return "Add"; }
  std::string_view operator()(const ConcatenateSpec&) { return "Concatenate"; }
};

void AddBias(const std::string& name, bool use_bias, int64_t channels,
             const Initializer& initializer, Params& params) {
  if (use_bias) params.push_back({name + "/bias", {{channels}}, initializer});
}

// (KH, KW, C, OC)
Shape KernelShape(const Extent2D& size, int64_t in, int64_t out) {
  return {{size.height, size.width, in, out}};
}

void AddParams(const DenseSpec& dense, const Shape& input, Params& params) {
  params.push_back({.name = dense.name + "/kernel",
                    .shape = {{input.elements(), dense.units}},
                    .initializer = dense.kernel_initializer,
                    .l2 = dense.kernel_l2});
  AddBias(dense.name, dense.use_bias, dense.units, dense.bias_initializer,
          params);
}

void AddParams(const Conv2DSpec& conv, const Shape& input, Params& params) {
  params.push_back(
      {.name = conv.name + "/kernel",
       .shape = KernelShape(conv.kernel_size, input.dims.back(), conv.filters),
       .initializer = conv.kernel_initializer,
       .l2 = conv.kernel_l2});
  AddBias(conv.name, conv.use_bias, conv.filters, conv.bias_initializer,
          params);
}

void AddParams(const DepthwiseConv2DSpec& conv, const Shape& input,
               Params& params) {
  params.push_back({.name = conv.name + "/kernel",
                    .shape = KernelShape(conv.kernel_size, input.dims.back(),
                                         conv.depth_multiplier),
                    .initializer = conv.kernel_initializer,
                    .l2 = conv.kernel_l2});
  AddBias(conv.name, conv.use_bias, input.dims.back() * conv.depth_multiplier,
          conv.bias_initializer, params);
}

void AddParams(const SeparableConv2DSpec& conv, const Shape& input,
               Params& params) {
  const DepthwiseConv2DSpec& depthwise = conv.depthwise;
  const Conv2DSpec& pointwise = conv.pointwise;
  const int64_t channels = input.dims.back();
  params.push_back({.name = conv.name + "/depthwise_kernel",
                    .shape = KernelShape(depthwise.kernel_size, channels,
                                         depthwise.depth_multiplier),
                    .initializer = depthwise.kernel_initializer,
                    .l2 = depthwise.kernel_l2});
  params.push_back(
      {.name = conv.name + "/pointwise_kernel",
       .shape = KernelShape({}, channels * depthwise.depth_multiplier,
                            pointwise.filters),
       .initializer = pointwise.kernel_initializer,
       .l2 = pointwise.kernel_l2});
  AddBias(conv.name, pointwise.use_bias, pointwise.filters,
          pointwise.bias_initializer, params);
}

void AddParams(const BatchNormalizationSpec& norm, const Shape& input,
               Params& params) {
  const Shape shape = {{input.dims.back()}};
  if (norm.scale) {
    params.push_back({norm.name + "/gamma", shape, norm.gamma_initializer});
  }
  if (norm.center) {
    params.push_back({norm.name + "/beta", shape, norm.beta_initializer});
  }
  params.push_back({.name = norm.name + "/moving_mean",
                    .shape = shape,
                    .initializer = {Initializer::Kind::kZeros},
                    .trainable = false});
  params.push_back({.name = norm.name + "/moving_variance",
                    .shape = shape,
                    .initializer = {Initializer::Kind::kOnes},
                    .trainable = false});
}

// All other layers have none.
template <class Spec>
void AddParams(const Spec&, const Shape&, Params&) {}

}  // namespace

const std::string& LayerName(const LayerSpec& layer) {
  return std::visit(
      [](const auto& spec) -> const std::string& { return spec.name; }, layer);
}

std::string_view LayerClass(const LayerSpec& layer) {
  return std::visit(ClassOf{}, layer);
}

Activation LayerActivation(const LayerSpec& layer) {
  if (const auto* separable = std::get_if<SeparableConv2DSpec>(&layer)) {
    return separable->pointwise.activation;
  }
  return std::visit(
      [](const auto& spec) {
        if constexpr (requires { spec.activation; }) return spec.activation;
        return Activation::kLinear;
      },
      layer);
}

std::vector<Shape> LayerOutputShapes(const ModelSpec& model) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    std::vector<Shape> inputs;
    for (const int input : LayerInputs(model, i)) {
      inputs.push_back(input == kModelInput
                           ? model.input_shape
                           : shapes[static_cast<size_t>(input)]);
    }
    Result<Shape> shape = LayerOutputShape(model.layers[i], inputs, model.name);
    CHECK(shape.has_value());
    shapes.push_back(*std::move(shape));
  }
  return shapes;
}

std::vector<int> LayerInputs(const ModelSpec& model, size_t layer) {
  if (!model.inputs.empty()) return model.inputs[layer];
  return {static_cast<int>(layer) - 1};  // kModelInput for the first
}

std::vector<ParamSpec> ModelParams(const ModelSpec& model) {
  const std::vector<Shape> shapes = LayerOutputShapes(model);
  Params params;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const int input = LayerInputs(model, i).front();
    const Shape& shape = input == kModelInput
                             ? model.input_shape
                             : shapes[static_cast<size_t>(input)];
    std::visit([&](const auto& spec) { AddParams(spec, shape, params); },
               model.layers[i]);
  }
  return params;
}

}  // namespace batchsweep
