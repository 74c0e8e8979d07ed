#include "graph/network_builder.h"

#include <algorithm>

#include "util/check.h"

namespace batchsweep {
namespace {

class Builder {
 public:
  Builder(const ModelSpec& model, uint64_t seed, const ComputeContext& context)
      : model_(model),
        seed_(seed),
        context_(context),
        shapes_(LayerOutputShapes(model)),
        value_of_(model.layers.size(), -1),
        readers_(model.layers.size()) {
    for (size_t i = 0; i < model.layers.size(); ++i) {
      for (const int input : LayerInputs(model, i)) {
        if (input != kModelInput) {
          readers_[static_cast<size_t>(input)].push_back(i);
        }
      }
    }
    spec_.values.push_back({.size = model.input_shape.elements()});
  }

  Result<NetworkSpec> Build() {
    for (size_t i = 0; i < model_.layers.size(); ++i) {
      if (value_of_[i] >= 0) continue;  // built into the one in front
      layer_ = i;
      RETURN_IF_ERROR(std::visit([&](const auto& spec) { return Build(spec); },
                                 model_.layers[i]));
    }
    spec_.output = value_of_.back();
    return std::move(spec_);
  }

 private:
  // What the layer under way reads.
  int InputValue(size_t which = 0) const {
    const int input = LayerInputs(model_, layer_)[which];
    return input == kModelInput ? 0 : value_of_[static_cast<size_t>(input)];
  }
  const Shape& InputShape(size_t which = 0) const {
    const int input = LayerInputs(model_, layer_)[which];
    return input == kModelInput ? model_.input_shape
                                : shapes_[static_cast<size_t>(input)];
  }
  const Shape& OutputShape() const { return shapes_[layer_]; }
  bool NeedsGrad(int value) const {
    return spec_.values[static_cast<size_t>(value)].needs_grad;
  }

  // The layer's parameters in order; `count` of them.
  std::vector<int> TakeParams(int count) {
    std::vector<int> params;
    for (int i = 0; i < count; ++i) params.push_back(params_end_++);
    return params;
  }

  // Appends a layer that reads `inputs`; returns its output.
  int Append(std::unique_ptr<Layer> layer, std::vector<int> inputs,
             int64_t size, std::vector<int> params = {}) {
    const bool needs_grad =
        !params.empty() || std::ranges::any_of(inputs, [&](int value) {
          return NeedsGrad(value);
        });
    const int output = static_cast<int>(spec_.values.size());
    spec_.values.push_back({.size = size, .needs_grad = needs_grad});
    spec_.nodes.push_back({.name = LayerName(model_.layers[layer_]),
                           .layer = std::move(layer),
                           .inputs = std::move(inputs),
                           .output = output,
                           .params = std::move(params)});
    return output;
  }

  void SetOutput(int value) { value_of_[layer_] = value; }

  Status ComputesNothing() {
    SetOutput(InputValue());
    return {};
  }

  // Behind a layer with weights: the activation that it does not compute.
  Status Finish(int value, Activation activation) {
    if (ComputesActivation(activation)) {
      SetOutput(value);
      return {};
    }
    return AppendActivation(value, {.name = {}, .activation = activation});
  }

  // Softmax is part of the loss.
  Status AppendActivation(int value, const ActivationSpec& spec) {
    if (spec.activation != Activation::kLinear &&
        spec.activation != Activation::kSoftmax) {
      const int64_t size = OutputShape().elements();
      ASSIGN_OR_RETURN(auto layer, MakeActivation(spec, size, context_));
      value = Append(std::move(layer), {value}, size);
    }
    SetOutput(value);
    return {};
  }

  Status Build(const FlattenSpec&) { return ComputesNothing(); }
  Status Build(const ReshapeSpec&) { return ComputesNothing(); }
  Status Build(const ActivationSpec& spec) {
    return AppendActivation(InputValue(), spec);
  }

  Status Build(const DenseSpec& spec) {
    ASSIGN_OR_RETURN(auto layer,
                     MakeDense(spec, InputShape().elements(), context_));
    const int value = Append(std::move(layer), {InputValue()}, spec.units,
                             TakeParams(spec.use_bias ? 2 : 1));
    return Finish(value, spec.activation);
  }

  // The max pooling that alone reads the layer under way, whose activation it
  // can be exchanged with.
  const Pooling2DSpec* PoolingBehind(Activation activation) const {
    if (activation != Activation::kLinear && activation != Activation::kRelu) {
      return nullptr;
    }
    if (readers_[layer_].size() != 1) return nullptr;
    const auto* pooling =
        std::get_if<Pooling2DSpec>(&model_.layers[readers_[layer_][0]]);
    const bool max = pooling && pooling->kind == Pooling2DSpec::Kind::kMax;
    return max ? pooling : nullptr;
  }

  Status Build(const Conv2DSpec& spec) {
    const Pooling2DSpec* pooling = PoolingBehind(spec.activation);
    const size_t end = pooling != nullptr ? readers_[layer_][0] : layer_;
    ConvolutionPlan plan{.convolution = spec,
                         .input = InputShape(),
                         .output = OutputShape(),
                         .pooling = pooling,
                         .pooled = shapes_[end],
                         .wants_dx = NeedsGrad(InputValue())};
    ASSIGN_OR_RETURN(auto layer, MakeConvolution(plan, context_));
    const int value =
        Append(std::move(layer), {InputValue()}, shapes_[end].elements(),
               TakeParams(spec.use_bias ? 2 : 1));
    if (pooling != nullptr) {
      value_of_[end] = value;
      SetOutput(value);
      return {};
    }
    return Finish(value, spec.activation);
  }

  Status Build(const DepthwiseConv2DSpec& spec) {
    ASSIGN_OR_RETURN(
        auto layer, MakeDepthwise(spec, InputShape(), OutputShape(), context_));
    const int value =
        Append(std::move(layer), {InputValue()}, OutputShape().elements(),
               TakeParams(spec.use_bias ? 2 : 1));
    return Finish(value, spec.activation);
  }

  Status Build(const SeparableConv2DSpec& spec) {
    const Shape& out = OutputShape();
    const Shape middle{
        {out.dims[0], out.dims[1],
         InputShape().dims[2] * spec.depthwise.depth_multiplier}};
    ASSIGN_OR_RETURN(auto depthwise, MakeDepthwise(spec.depthwise, InputShape(),
                                                   middle, context_));
    const int between = Append(std::move(depthwise), {InputValue()},
                               middle.elements(), TakeParams(1));
    const ConvolutionPlan plan{.convolution = spec.pointwise,
                               .input = middle,
                               .output = out,
                               .pooled = out,
                               .wants_dx = true};
    ASSIGN_OR_RETURN(auto pointwise, MakeConvolution(plan, context_));
    const int value = Append(std::move(pointwise), {between}, out.elements(),
                             TakeParams(spec.pointwise.use_bias ? 2 : 1));
    return Finish(value, spec.pointwise.activation);
  }

  Status Build(const Pooling2DSpec& spec) {
    SetOutput(Append(MakePooling(spec, InputShape(), OutputShape(), context_),
                     {InputValue()}, OutputShape().elements()));
    return {};
  }

  // The average over one window of the image's size.
  Status Build(const GlobalAveragePooling2DSpec& spec) {
    const Shape& input = InputShape();
    const Extent2D all{input.dims[0], input.dims[1]};
    const Pooling2DSpec pooling{.name = spec.name,
                                .kind = Pooling2DSpec::Kind::kAverage,
                                .pool_size = all,
                                .strides = all};
    SetOutput(
        Append(MakePooling(pooling, input, {{1, 1, input.dims[2]}}, context_),
               {InputValue()}, input.dims[2]));
    return {};
  }

  Status Build(const BatchNormalizationSpec& spec) {
    const int trained = (spec.scale ? 1 : 0) + (spec.center ? 1 : 0);
    SetOutput(Append(MakeBatchNormalization(spec, InputShape(), context_),
                     {InputValue()}, OutputShape().elements(),
                     TakeParams(trained + 2)));
    return {};
  }

  Status Build(const DropoutSpec& spec) {
    if (spec.rate == 0.0f) return ComputesNothing();
    const int64_t size = OutputShape().elements();
    const uint64_t key =
        (seed_ << 32) ^ (static_cast<uint64_t>(layer_ + 1) * 0x9e3779b1);
    SetOutput(
        Append(MakeDropout(spec, size, key, context_), {InputValue()}, size));
    return {};
  }

  Status Build(const ZeroPadding2DSpec& spec) {
    SetOutput(
        Append(MakeZeroPadding(spec, InputShape(), OutputShape(), context_),
               {InputValue()}, OutputShape().elements()));
    return {};
  }

  Status Build(const RescalingSpec& spec) {
    SetOutput(Append(MakeRescaling(spec, InputShape(), context_),
                     {InputValue()}, OutputShape().elements()));
    return {};
  }

  std::vector<int> AllInputs(std::vector<Shape>* shapes = nullptr) const {
    std::vector<int> values;
    for (size_t i = 0; i < LayerInputs(model_, layer_).size(); ++i) {
      values.push_back(InputValue(i));
      if (shapes != nullptr) shapes->push_back(InputShape(i));
    }
    return values;
  }

  Status Build(const AddSpec&) {
    const int64_t size = OutputShape().elements();
    SetOutput(Append(MakeAdd(size, context_), AllInputs(), size));
    return {};
  }

  Status Build(const ConcatenateSpec&) {
    std::vector<Shape> shapes;
    std::vector<int> values = AllInputs(&shapes);
    SetOutput(Append(MakeConcatenate(shapes, context_), std::move(values),
                     OutputShape().elements()));
    return {};
  }

  const ModelSpec& model_;
  const uint64_t seed_;
  const ComputeContext& context_;
  const std::vector<Shape> shapes_;
  NetworkSpec spec_;
  std::vector<int> value_of_;  // by layer
  std::vector<std::vector<size_t>> readers_;
  size_t layer_ = 0;  // under way
  int params_end_ = 0;
};

}  // namespace

Result<NetworkSpec> BuildNetwork(const ModelSpec& model, uint64_t seed,
                                 const ComputeContext& context) {
  return Builder(model, seed, context).Build();
}

}  // namespace batchsweep
