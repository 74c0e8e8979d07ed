#include "model/keras_layers.h"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "model/keras_initializer.h"

namespace batchsweep {
namespace {

using Inputs = std::vector<Shape>;

Result<LayerSpec> ReadFlatten(const KerasLayer& layer, const Inputs&) {
  RETURN_IF_ERROR(CheckChannelsLast(layer.options));
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"data_format"}));
  return FlattenSpec{layer.name};
}

Result<LayerSpec> ReadActivationLayer(const KerasLayer& layer, const Inputs&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"activation"}));
  ASSIGN_OR_RETURN(const Activation activation, ReadActivation(layer.options));
  return ActivationSpec{layer.name, activation};
}

// A slope of 0 is a plain relu.
Result<LayerSpec> LeakyRelu(const KerasLayer& layer, float slope) {
  if (slope < 0.0f) {
    return Fail("{}: the negative slope is {}, expected a number from 0",
                layer.options.owner, slope);
  }
  if (slope == 0.0f) return ActivationSpec{layer.name, Activation::kRelu};
  return ActivationSpec{layer.name, Activation::kLeakyRelu, slope};
}

// Keras 2 calls the slope alpha.
Result<LayerSpec> ReadLeakyRelu(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"alpha", "negative_slope"}));
  ASSIGN_OR_RETURN(const float alpha, ReadNumber(options, "alpha", 0.3f));
  ASSIGN_OR_RETURN(const float slope,
                   ReadNumber(options, "negative_slope", alpha));
  return LeakyRelu(layer, slope);
}

Result<LayerSpec> ReadRelu(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(
      options, {"max_value", "negative_slope", "threshold"}));
  const bool bounded = !Field(options.config, "max_value").is_null();
  ASSIGN_OR_RETURN(const float most, ReadNumber(options, "max_value", 6.0f));
  ASSIGN_OR_RETURN(const float slope,
                   ReadNumber(options, "negative_slope", 0.0f));
  ASSIGN_OR_RETURN(const float threshold,
                   ReadNumber(options, "threshold", 0.0f));
  if (most != 6.0f) {
    return Fail("{}: max_value is {}; batchsweep trains null or 6",
                options.owner, most);
  }
  if (threshold != 0.0f) {
    return Fail("{}: threshold is {}; batchsweep trains 0", options.owner,
                threshold);
  }
  if (!bounded) return LeakyRelu(layer, slope);
  if (slope != 0.0f) {
    return Fail("{}: has a max_value and negative_slope {}; use one of them",
                options.owner, slope);
  }
  return ActivationSpec{layer.name, Activation::kRelu6};
}

// The activation and the bias, which end a Dense and every convolution.
template <class Spec>
Status ReadEnd(const KerasOptions& options, Spec& spec) {
  ASSIGN_OR_RETURN(spec.activation, ReadActivation(options));
  ASSIGN_OR_RETURN(spec.use_bias, ReadBool(options, "use_bias", true));
  ASSIGN_OR_RETURN(
      spec.bias_initializer,
      ReadInitializer(options, "bias_initializer", spec.bias_initializer));
  return {};
}

// `kind` is "kernel", "depthwise" or "pointwise".
template <class Spec>
Status ReadKernel(const KerasOptions& options, const std::string& kind,
                  Spec& spec) {
  const std::string initializer = kind + "_initializer";
  ASSIGN_OR_RETURN(
      spec.kernel_initializer,
      ReadInitializer(options, initializer.c_str(), spec.kernel_initializer));
  const std::string regularizer = kind + "_regularizer";
  ASSIGN_OR_RETURN(spec.kernel_l2, ReadL2(options, regularizer.c_str()));
  return {};
}

// Where a convolution's window lies.
template <class Spec>
Status ReadWindow(const KerasOptions& options, Spec& spec) {
  RETURN_IF_ERROR(CheckChannelsLast(options));
  ASSIGN_OR_RETURN(const int64_t groups, ReadWidth(options, "groups", 1));
  if (groups != 1) {
    return Fail("{}: groups is {}; batchsweep trains 1, or a DepthwiseConv2D",
                options.owner, groups);
  }
  ASSIGN_OR_RETURN(spec.kernel_size, ReadExtent(options, "kernel_size"));
  ASSIGN_OR_RETURN(spec.strides, ReadExtent(options, "strides", Extent2D{}));
  ASSIGN_OR_RETURN(spec.dilation,
                   ReadExtent(options, "dilation_rate", Extent2D{}));
  ASSIGN_OR_RETURN(spec.padding, ReadPadding(options));
  if (spec.strides != Extent2D{} && spec.dilation != Extent2D{}) {
    return Fail(
        "{}: strides and dilation_rate are both above 1; as in Keras, "
        "only one can be",
        options.owner);
  }
  return {};
}

Result<LayerSpec> ReadDense(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(
      options, {"units", "activation", "use_bias", "kernel_initializer",
                "bias_initializer", "kernel_regularizer"}));
  DenseSpec dense{.name = layer.name};
  ASSIGN_OR_RETURN(dense.units, ReadWidth(options, "units"));
  RETURN_IF_ERROR(ReadKernel(options, "kernel", dense));
  RETURN_IF_ERROR(ReadEnd(options, dense));
  return dense;
}

Result<LayerSpec> ReadConv2D(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(
      options,
      {"filters", "kernel_size", "strides", "padding", "data_format",
       "dilation_rate", "groups", "activation", "use_bias",
       "kernel_initializer", "bias_initializer", "kernel_regularizer"}));
  Conv2DSpec conv{.name = layer.name};
  ASSIGN_OR_RETURN(conv.filters, ReadWidth(options, "filters"));
  RETURN_IF_ERROR(ReadWindow(options, conv));
  RETURN_IF_ERROR(ReadKernel(options, "kernel", conv));
  RETURN_IF_ERROR(ReadEnd(options, conv));
  return conv;
}

Result<LayerSpec> ReadDepthwiseConv2D(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(
      options,
      {"depth_multiplier", "kernel_size", "strides", "padding", "data_format",
       "dilation_rate", "groups", "activation", "use_bias",
       "depthwise_initializer", "bias_initializer", "depthwise_regularizer"}));
  DepthwiseConv2DSpec conv{.name = layer.name};
  ASSIGN_OR_RETURN(conv.depth_multiplier,
                   ReadWidth(options, "depth_multiplier", 1));
  RETURN_IF_ERROR(ReadWindow(options, conv));
  RETURN_IF_ERROR(ReadKernel(options, "depthwise", conv));
  RETURN_IF_ERROR(ReadEnd(options, conv));
  return conv;
}

Result<LayerSpec> ReadSeparableConv2D(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  // Keras 2 writes a kernel_initializer too, of a kernel that is not there.
  RETURN_IF_ERROR(RefuseOtherOptions(
      options,
      {"filters", "depth_multiplier", "kernel_size", "strides", "padding",
       "data_format", "dilation_rate", "groups", "activation", "use_bias",
       "depthwise_initializer", "pointwise_initializer", "bias_initializer",
       "depthwise_regularizer", "pointwise_regularizer",
       "kernel_initializer"}));
  SeparableConv2DSpec conv{.name = layer.name,
                           .depthwise = {.name = layer.name, .use_bias = false},
                           .pointwise = {.name = layer.name}};
  ASSIGN_OR_RETURN(conv.depthwise.depth_multiplier,
                   ReadWidth(options, "depth_multiplier", 1));
  ASSIGN_OR_RETURN(conv.pointwise.filters, ReadWidth(options, "filters"));
  RETURN_IF_ERROR(ReadWindow(options, conv.depthwise));
  RETURN_IF_ERROR(ReadKernel(options, "depthwise", conv.depthwise));
  RETURN_IF_ERROR(ReadKernel(options, "pointwise", conv.pointwise));
  RETURN_IF_ERROR(ReadEnd(options, conv.pointwise));
  return conv;
}

template <Pooling2DSpec::Kind kKind>
Result<LayerSpec> ReadPooling2D(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(
      options, {"pool_size", "strides", "padding", "data_format"}));
  RETURN_IF_ERROR(CheckChannelsLast(options));
  Pooling2DSpec pooling{.name = layer.name, .kind = kKind};
  ASSIGN_OR_RETURN(pooling.pool_size,
                   ReadExtent(options, "pool_size", pooling.pool_size));
  ASSIGN_OR_RETURN(pooling.strides,
                   ReadExtent(options, "strides", pooling.pool_size));
  ASSIGN_OR_RETURN(pooling.padding, ReadPadding(options));
  return pooling;
}

Result<LayerSpec> ReadGlobalAveragePooling2D(const KerasLayer& layer,
                                             const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"data_format", "keepdims"}));
  RETURN_IF_ERROR(CheckChannelsLast(options));
  GlobalAveragePooling2DSpec pooling{.name = layer.name};
  ASSIGN_OR_RETURN(pooling.keepdims, ReadBool(options, "keepdims", false));
  return pooling;
}

Status CheckInitializer(const KerasOptions& options, const char* key,
                        Initializer::Kind expected) {
  ASSIGN_OR_RETURN(const Initializer found,
                   ReadInitializer(options, key, {expected}));
  if (found.kind == expected) return {};
  return Fail("{}: {} is not Keras' default; batchsweep begins with that",
              options.owner, key);
}

Result<LayerSpec> ReadBatchNormalization(const KerasLayer& layer,
                                         const Inputs& inputs) {
  const KerasOptions& options = layer.options;
  // Keras 3 writes the renorm_momentum of a layer that does not renormalise.
  RETURN_IF_ERROR(RefuseOtherOptions(
      options,
      {"axis", "momentum", "epsilon", "center", "scale", "gamma_initializer",
       "beta_initializer", "moving_mean_initializer",
       "moving_variance_initializer", "renorm_momentum"}));
  RETURN_IF_ERROR(CheckLastAxis(options, inputs.front()));
  using enum Initializer::Kind;
  RETURN_IF_ERROR(CheckInitializer(options, "moving_mean_initializer", kZeros));
  RETURN_IF_ERROR(
      CheckInitializer(options, "moving_variance_initializer", kOnes));
  BatchNormalizationSpec norm{.name = layer.name};
  ASSIGN_OR_RETURN(norm.momentum,
                   ReadNumber(options, "momentum", norm.momentum));
  ASSIGN_OR_RETURN(norm.epsilon, ReadNumber(options, "epsilon", norm.epsilon));
  if (norm.momentum < 0.0f || norm.momentum > 1.0f || norm.epsilon <= 0.0f) {
    return Fail(
        "{}: momentum is {} and epsilon {}, expected 0 to 1 and above 0",
        options.owner, norm.momentum, norm.epsilon);
  }
  ASSIGN_OR_RETURN(norm.center, ReadBool(options, "center", true));
  ASSIGN_OR_RETURN(norm.scale, ReadBool(options, "scale", true));
  ASSIGN_OR_RETURN(
      norm.gamma_initializer,
      ReadInitializer(options, "gamma_initializer", norm.gamma_initializer));
  ASSIGN_OR_RETURN(
      norm.beta_initializer,
      ReadInitializer(options, "beta_initializer", norm.beta_initializer));
  return norm;
}

Result<LayerSpec> ReadDropout(const KerasLayer& layer, const Inputs&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"rate", "seed"}));
  DropoutSpec dropout{.name = layer.name};
  ASSIGN_OR_RETURN(dropout.rate, ReadNumber(layer.options, "rate", 0.0f));
  if (dropout.rate < 0.0f || dropout.rate >= 1.0f) {
    return Fail("{}: rate is {}, expected 0 or more and below 1",
                layer.options.owner, dropout.rate);
  }
  return dropout;
}

Result<LayerSpec> ReadZeroPadding2D(const KerasLayer& layer, const Inputs&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"padding", "data_format"}));
  RETURN_IF_ERROR(CheckChannelsLast(options));
  ASSIGN_OR_RETURN(const auto padding, ReadZeroPadding(options));
  return ZeroPadding2DSpec{.name = layer.name,
                           .top = padding[0].height,
                           .bottom = padding[1].height,
                           .left = padding[0].width,
                           .right = padding[1].width};
}

Result<LayerSpec> ReadReshape(const KerasLayer& layer, const Inputs& inputs) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"target_shape"}));
  ASSIGN_OR_RETURN(Shape target,
                   ReadTargetShape(layer.options, inputs.front()));
  return ReshapeSpec{layer.name, std::move(target)};
}

Result<LayerSpec> ReadRescaling(const KerasLayer& layer, const Inputs&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"scale", "offset"}));
  RescalingSpec rescaling{.name = layer.name};
  ASSIGN_OR_RETURN(rescaling.scale, ReadNumber(layer.options, "scale", 1.0f));
  ASSIGN_OR_RETURN(rescaling.offset, ReadNumber(layer.options, "offset", 0.0f));
  return rescaling;
}

Result<LayerSpec> ReadAdd(const KerasLayer& layer, const Inputs&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {}));
  return AddSpec{layer.name};
}

Result<LayerSpec> ReadConcatenate(const KerasLayer& layer,
                                  const Inputs& inputs) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"axis"}));
  RETURN_IF_ERROR(CheckLastAxis(layer.options, inputs.front()));
  return ConcatenateSpec{layer.name};
}

struct Class {
  std::string_view name;
  Result<LayerSpec> (*read)(const KerasLayer&, const Inputs&);
};

constexpr std::array kClasses = {
    Class{"Activation", ReadActivationLayer},
    Class{"Add", ReadAdd},
    Class{"AveragePooling2D", ReadPooling2D<Pooling2DSpec::Kind::kAverage>},
    Class{"BatchNormalization", ReadBatchNormalization},
    Class{"Concatenate", ReadConcatenate},
    Class{"Conv2D", ReadConv2D},
    Class{"Dense", ReadDense},
    Class{"DepthwiseConv2D", ReadDepthwiseConv2D},
    Class{"Dropout", ReadDropout},
    Class{"Flatten", ReadFlatten},
    Class{"GlobalAveragePooling2D", ReadGlobalAveragePooling2D},
    Class{"LeakyReLU", ReadLeakyRelu},
    Class{"MaxPooling2D", ReadPooling2D<Pooling2DSpec::Kind::kMax>},
    Class{"ReLU", ReadRelu},
    Class{"Rescaling", ReadRescaling},
    Class{"Reshape", ReadReshape},
    Class{"SeparableConv2D", ReadSeparableConv2D},
    Class{"ZeroPadding2D", ReadZeroPadding2D},
};

std::string ClassNames() {
  std::string names;
  for (const Class& known : kClasses) {
    names += std::format("{}{}", names.empty() ? "" : ", ", known.name);
  }
  return names;
}

}  // namespace

Result<LayerSpec> ReadLayer(const KerasLayer& layer,
                            const std::vector<Shape>& inputs) {
  const auto known =
      std::ranges::find(kClasses, layer.class_name, &Class::name);
  if (known == kClasses.end()) {
    return Fail("{} is a {}; remove or replace it, batchsweep trains {}",
                layer.options.owner, layer.class_name, ClassNames());
  }
  RETURN_IF_ERROR(CheckTrainsInFloat32(layer.options));
  return known->read(layer, inputs);
}

}  // namespace batchsweep
