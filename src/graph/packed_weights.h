// What layers on XNNPACK's convolutions share.
//
// PackedWeights: where a layer keeps the packed weights of one of its XNNPACK
// operators: in memory of their own, refreshed after each update; or, lean, in
// memory that others use too, refreshed right before each run.
#ifndef BATCHSWEEP_GRAPH_PACKED_WEIGHTS_H_
#define BATCHSWEEP_GRAPH_PACKED_WEIGHTS_H_

#include <string>

#include "graph/arithmetic.h"
#include "graph/layer.h"
#include "util/check.h"
#include "xnn/weighted_operator.h"

namespace batchsweep {

// XNNPACK's convolution over `window`, with the activation that it computes.
inline xnn::ConvolutionOptions ConvolutionOptionsOf(
    const WindowGeometry& window, int64_t out_channels, bool use_bias,
    Activation activation) {
  xnn::Clamp clamp;
  if (ComputesActivation(activation)) clamp.min = 0.0f;
  if (activation == Activation::kRelu6) clamp.max = 6.0f;
  return {.channels = window.channels,
          .out_channels = out_channels,
          .kernel_height = window.window_height,
          .kernel_width = window.window_width,
          .stride_height = window.stride_height,
          .stride_width = window.stride_width,
          .dilation_height = window.dilation_height,
          .dilation_width = window.dilation_width,
          .padding = {.top = window.top,
                      .right = RightPadding(window),
                      .bottom = BottomPadding(window),
                      .left = window.left},
          .use_bias = use_bias,
          .clamp = clamp};
}

class PackedWeights {
 public:
  // `moment`: when the operator runs.
  void Plan(const std::string& name, const xnn::WeightedOperator& op,
            const PlanContext& context, int moment) {
    lean_ = context.lean;
    id_ = context.planner.Add(name, MemoryClass::kPackedWeights,
                              op.packed_bytes(), lean_ ? moment : 0,
                              lean_ ? moment : context.end);
  }

  void Bind(const Arena& arena, const float* kernel, const float* bias,
            xnn::WeightedOperator& op) {
    kernel_ = kernel;
    bias_ = bias;
    op.BindWeights(arena.At(id_), lean_);
  }

  void WeightsChanged(xnn::WeightedOperator& op) const {
    if (!lean_) Refresh(op);
  }
  void BeforeRun(xnn::WeightedOperator& op) const {
    if (lean_) Refresh(op);
  }

 private:
  // Fails only where an operator is created anew and there is no memory left.
  void Refresh(xnn::WeightedOperator& op) const {
    CHECK(op.Refresh(kernel_, bias_).has_value());
  }

  bool lean_ = false;
  int id_ = -1;
  const float* kernel_ = nullptr;
  const float* bias_ = nullptr;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_PACKED_WEIGHTS_H_
