#include "model/layers/depthwise.h"

#include <format>

#include "model/keras_layers.h"
#include "model/layers/kernel.h"

namespace batchsweep {
namespace {

Result<LayerSpec> ReadDepthwiseConv2D(const KerasLayer& layer,
                                      const std::vector<Shape>&) {
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

}  // namespace

Result<Shape> DepthwiseConv2DSpec::OutputShape(const LayerSite& site) const {
  return SlideOver(site, Window(), site.input().dims.back() * depth_multiplier);
}

std::vector<ParamSpec> DepthwiseConv2DSpec::Params(const Shape& input) const {
  const int64_t channels = input.dims.back();
  std::vector<ParamSpec> params = {
      {.name = name + "/kernel",
       .shape = KernelShape(kernel_size, channels, depth_multiplier),
       .initializer = kernel_initializer,
       .l2 = kernel_l2}};
  AddBias(name, *this, channels * depth_multiplier, params);
  return params;
}

int64_t DepthwiseConv2DSpec::MultiplyAdds(const Shape&,
                                          const Shape& output) const {
  return output.elements() * kernel_size.area();
}

std::string DepthwiseConv2DSpec::Options() const {
  return std::format("{}{} {}{}", DescribeMultiplier(depth_multiplier),
                     DescribeWindow(Window()), DescribeEnd(*this),
                     DescribeL2(kernel_l2));
}

std::span<const KerasClass> DepthwiseConv2DSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {
      {"DepthwiseConv2D", ReadDepthwiseConv2D}};
  return kClasses;
}

}  // namespace batchsweep
