// A convolution of each channel by itself.
#ifndef BATCHSWEEP_MODEL_LAYERS_DEPTHWISE_H_
#define BATCHSWEEP_MODEL_LAYERS_DEPTHWISE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"
#include "model/sliding_window.h"

namespace batchsweep {

// Kernel (KH, KW, C, depth_multiplier), named NAME/kernel, and NAME/bias;
// output channel c * depth_multiplier + d comes from input channel c.
struct DepthwiseConv2DSpec {
  std::string name;
  int64_t depth_multiplier = 1;
  Extent2D kernel_size;
  Extent2D strides;
  Extent2D dilation;
  Padding padding = Padding::kValid;
  Activation activation = Activation::kLinear;
  bool use_bias = true;
  Initializer kernel_initializer = {Initializer::Kind::kGlorotUniform};
  Initializer bias_initializer = {Initializer::Kind::kZeros};
  float kernel_l2 = 0.0f;

  SlidingWindow Window() const {
    return {kernel_size, strides, dilation, padding};
  }

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "DepthwiseConv2D"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape& input) const;
  int64_t MultiplyAdds(const Shape& input, const Shape& output) const;
  Activation EndActivation() const { return activation; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_DEPTHWISE_H_
