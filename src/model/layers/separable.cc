#include "model/layers/separable.h"

#include <algorithm>
#include <format>

#include "model/keras_layers.h"
#include "model/layers/kernel.h"

namespace batchsweep {
namespace {

Result<LayerSpec> ReadSeparableConv2D(const KerasLayer& layer,
                                      const std::vector<Shape>&) {
  const KerasOptions& options = layer.options;
  // Keras 2 writes a kernel_initializer too, though there is no such kernel.
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

}  // namespace

Result<Shape> SeparableConv2DSpec::OutputShape(const LayerSite& site) const {
  ASSIGN_OR_RETURN(Shape shape, depthwise.OutputShape(site));
  RETURN_IF_ERROR(CheckOutput(site, shape));
  shape.dims.back() = pointwise.filters;
  return shape;
}

std::vector<ParamSpec> SeparableConv2DSpec::Params(const Shape& input) const {
  const int64_t channels = input.dims.back();
  std::vector<ParamSpec> params = {
      {.name = name + "/depthwise_kernel",
       .shape = KernelShape(depthwise.kernel_size, channels,
                            depthwise.depth_multiplier),
       .initializer = depthwise.kernel_initializer,
       .l2 = depthwise.kernel_l2},
      {.name = name + "/pointwise_kernel",
       .shape = KernelShape({}, channels * depthwise.depth_multiplier,
                            pointwise.filters),
       .initializer = pointwise.kernel_initializer,
       .l2 = pointwise.kernel_l2}};
  AddBias(name, pointwise, pointwise.filters, params);
  return params;
}

int64_t SeparableConv2DSpec::MultiplyAdds(const Shape& input,
                                          const Shape& output) const {
  const int64_t pixels = output.dims[0] * output.dims[1];
  const int64_t middle = input.dims[2] * depthwise.depth_multiplier;
  return pixels * middle * (depthwise.kernel_size.area() + output.dims[2]);
}

std::string SeparableConv2DSpec::Options() const {
  return std::format(
      " {}{}{} {}{}", pointwise.filters,
      DescribeMultiplier(depthwise.depth_multiplier),
      DescribeWindow(depthwise.Window()), DescribeEnd(pointwise),
      DescribeL2(std::max(depthwise.kernel_l2, pointwise.kernel_l2)));
}

std::span<const KerasClass> SeparableConv2DSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {
      {"SeparableConv2D", ReadSeparableConv2D}};
  return kClasses;
}

}  // namespace batchsweep
