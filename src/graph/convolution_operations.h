// The products of a convolution, and who can compute each. convolution_forward,
// _kernel_grad and _input_grad.cc have the bodies and, at their ends, the lists
// of candidates.
#ifndef BATCHSWEEP_GRAPH_CONVOLUTION_OPERATIONS_H_
#define BATCHSWEEP_GRAPH_CONVOLUTION_OPERATIONS_H_

#include <memory>
#include <span>
#include <string>

#include "graph/products.h"
#include "kernels/images.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "xnn/convolution.h"

namespace batchsweep {

// Of one convolution layer: x (N, H, W, C), y (N, OH, OW, OC), kernel (KH, KW,
// C, OC) or, depthwise, (KH, KW, C, multiplier) with OC = C * multiplier.
struct ConvolutionProblem {
  std::string name;  // of the layer
  WindowGeometry window;
  int64_t out_channels = 0;
  bool depthwise = false;
  bool use_bias = false;
  // Linear, relu or relu6; any other is a layer of its own.
  Activation activation = Activation::kLinear;

  int64_t in_size() const {
    return window.height * window.width * window.channels;
  }
  int64_t out_size() const {
    return window.out_height * window.out_width * out_channels;
  }
  // Of the kernel, for each of its outputs.
  int64_t taps() const {
    return window.window_height * window.window_width * window.channels;
  }
};

// The same for XNNPACK, bias and activation included.
xnn::ConvolutionOptions XnnpackOptions(const ConvolutionProblem& problem);

using ConvolutionCandidates = std::span<const Candidate<ConvolutionProblem>>;

// y = activation(conv(x, W) + b)
ConvolutionCandidates ConvolutionForwards();
// dW, the sum over the batch.
ConvolutionCandidates ConvolutionKernelGrads();
// dx
ConvolutionCandidates ConvolutionInputGrads();

// What is common to its products.
OperationShape ShapeOf(const ConvolutionProblem& problem);

// The bodies that context.chooser takes.
Result<Products> CreateConvolutionProducts(const ConvolutionProblem& problem,
                                           bool wants_dx,
                                           const ComputeContext& context);

// XNNPACK's bodies of the first and the last, which can be depthwise too.
Result<std::unique_ptr<Operation>> CreateXnnpackForward(
    const ConvolutionProblem& problem, const ComputeContext& context);
bool XnnpackHasInputGrad(const ConvolutionProblem& problem);
Result<std::unique_ptr<Operation>> CreateXnnpackInputGrad(
    const ConvolutionProblem& problem, const ComputeContext& context);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_CONVOLUTION_OPERATIONS_H_
