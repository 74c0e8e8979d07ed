#include "model/layers/convolution.h"

#include <format>

#include "model/keras_layers.h"
#include "model/layers/kernel.h"

namespace batchsweep {
namespace {

Result<LayerSpec> ReadConv2D(const KerasLayer& layer,
                             const std::vector<Shape>&) {
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

}  // namespace

Result<Shape> Conv2DSpec::OutputShape(const LayerSite& site) const {
  return SlideOver(site, Window(), filters);
}

std::vector<ParamSpec> Conv2DSpec::Params(const Shape& input) const {
  std::vector<ParamSpec> params = {
      {.name = name + "/kernel",
       .shape = KernelShape(kernel_size, input.dims.back(), filters),
       .initializer = kernel_initializer,
       .l2 = kernel_l2}};
  AddBias(name, *this, filters, params);
  return params;
}

int64_t Conv2DSpec::MultiplyAdds(const Shape& input,
                                 const Shape& output) const {
  return output.elements() * kernel_size.area() * input.dims[2];
}

std::string Conv2DSpec::Options() const {
  return std::format(" {}{} {}{}", filters, DescribeWindow(Window()),
                     DescribeEnd(*this), DescribeL2(kernel_l2));
}

std::span<const KerasClass> Conv2DSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Conv2D", ReadConv2D}};
  return kClasses;
}

}  // namespace batchsweep
