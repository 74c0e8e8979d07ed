// A convolution in two parts: over the image, then over the channels.
#ifndef BATCHSWEEP_MODEL_LAYERS_SEPARABLE_H_
#define BATCHSWEEP_MODEL_LAYERS_SEPARABLE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/convolution.h"
#include "model/layers/depthwise.h"
#include "model/layers/layer_family.h"

namespace batchsweep {

// A depthwise convolution without bias, then a 1x1 Conv2D. Parameters
// NAME/depthwise_kernel, NAME/pointwise_kernel, NAME/bias.
struct SeparableConv2DSpec {
  std::string name;
  DepthwiseConv2DSpec depthwise;  // linear, without bias
  Conv2DSpec pointwise;           // 1x1, with the layer's activation and bias

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "SeparableConv2D"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape& input) const;
  int64_t MultiplyAdds(const Shape& input, const Shape& output) const;
  Activation EndActivation() const { return pointwise.activation; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_SEPARABLE_H_
