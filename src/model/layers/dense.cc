#include "model/layers/dense.h"

#include <format>

#include "model/keras_layers.h"
#include "model/layers/kernel.h"

namespace batchsweep {
namespace {

Result<LayerSpec> ReadDense(const KerasLayer& layer,
                            const std::vector<Shape>&) {
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

}  // namespace

Result<Shape> DenseSpec::OutputShape(const LayerSite& site) const {
  // Keras would multiply the last axis of an image alone, which an author
  // who forgot the Flatten does not mean.
  if (site.input().dims.size() != 1) {
    return Fail("{} is a Dense on an input of {}; put a Flatten before it",
                site.where, site.input().ToString());
  }
  return Shape{{units}};
}

std::vector<ParamSpec> DenseSpec::Params(const Shape& input) const {
  std::vector<ParamSpec> params = {{.name = name + "/kernel",
                                    .shape = {{input.elements(), units}},
                                    .initializer = kernel_initializer,
                                    .l2 = kernel_l2}};
  AddBias(name, *this, units, params);
  return params;
}

int64_t DenseSpec::MultiplyAdds(const Shape& input, const Shape&) const {
  return input.elements() * units;
}

std::string DenseSpec::Options() const {
  return std::format(" {} {}{}", units, DescribeEnd(*this),
                     DescribeL2(kernel_l2));
}

std::span<const KerasClass> DenseSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Dense", ReadDense}};
  return kClasses;
}

}  // namespace batchsweep
