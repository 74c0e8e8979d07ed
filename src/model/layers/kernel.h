// What layers with a kernel share: a Dense and every convolution have one, a
// bias unless told otherwise, and an activation behind it. Their specs name
// these fields alike: kernel_initializer, kernel_l2, use_bias,
// bias_initializer, activation; and a convolution's kernel_size, strides,
// dilation and padding.
#ifndef BATCHSWEEP_MODEL_LAYERS_KERNEL_H_
#define BATCHSWEEP_MODEL_LAYERS_KERNEL_H_

#include <cstdint>
#include <format>
#include <string>
#include <vector>

#include "model/activation.h"
#include "model/keras_initializer.h"
#include "model/keras_options.h"
#include "model/param_spec.h"
#include "model/sliding_window.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

// Appends NAME/bias of so many channels, unless there is none.
template <class Spec>
void AddBias(const std::string& name, const Spec& spec, int64_t channels,
             std::vector<ParamSpec>& params) {
  if (!spec.use_bias) return;
  params.push_back({name + "/bias", {{channels}}, spec.bias_initializer});
}

// (KH, KW, C, OC)
inline Shape KernelShape(const Extent2D& size, int64_t in, int64_t out) {
  return {{size.height, size.width, in, out}};
}

// " l2 0.001", or nothing.
inline std::string DescribeL2(float factor) {
  return factor > 0.0f ? std::format(" l2 {}", factor) : "";
}

// " times 2", or nothing for 1: output channels for each input channel.
inline std::string DescribeMultiplier(int64_t multiplier) {
  return multiplier == 1 ? "" : std::format(" times {}", multiplier);
}

// "relu without bias"
template <class Spec>
std::string DescribeEnd(const Spec& spec) {
  return std::format("{}{}", NameOf(spec.activation),
                     spec.use_bias ? "" : " without bias");
}

// " 3x3 strides 2x2 same"; a number of 1 and no padding are left out.
std::string DescribeWindow(const SlidingWindow& window);

// Reads the activation and the bias.
template <class Spec>
Status ReadEnd(const KerasOptions& options, Spec& spec) {
  ASSIGN_OR_RETURN(spec.activation, ReadActivation(options));
  ASSIGN_OR_RETURN(spec.use_bias, ReadBool(options, "use_bias", true));
  ASSIGN_OR_RETURN(
      spec.bias_initializer,
      ReadInitializer(options, "bias_initializer", spec.bias_initializer));
  return {};
}

// Reads the options of a kernel. `kind` is what they begin with: "kernel",
// "depthwise" or "pointwise".
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

// The window of a convolution. Refuses groups, and strides and dilation both.
Result<SlidingWindow> ReadWindow(const KerasOptions& options);

// Reads that window into the fields of a spec.
template <class Spec>
Status ReadWindow(const KerasOptions& options, Spec& spec) {
  ASSIGN_OR_RETURN(const SlidingWindow window, ReadWindow(options));
  spec.kernel_size = window.size;
  spec.strides = window.strides;
  spec.dilation = window.dilation;
  spec.padding = window.padding;
  return {};
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_KERNEL_H_
