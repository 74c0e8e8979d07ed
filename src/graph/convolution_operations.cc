#include "graph/convolution_operations.h"

#include <algorithm>

#include "graph/arithmetic.h"
#include "graph/image_slices.h"

namespace batchsweep {

OperationShape ShapeOf(const ConvolutionProblem& problem) {
  const WindowGeometry& window = problem.window;
  const int64_t reads = problem.depthwise
                            ? window.window_height * window.window_width
                            : problem.taps();
  OperationShape shape{
      .layer = problem.name,
      .in = problem.in_size(),
      .out = problem.out_size(),
      .params = {reads * problem.out_channels},
      .multiply_adds = reads * problem.out_size(),
      .slice = [out = problem.out_size()](int64_t scratch_floats, int64_t batch,
                                          int64_t threads) {
        return SliceImages(std::max(out, scratch_floats), batch, threads);
      }};
  if (problem.use_bias) shape.params.push_back(problem.out_channels);
  return shape;
}

Result<Products> CreateConvolutionProducts(const ConvolutionProblem& problem,
                                           bool wants_dx,
                                           const ComputeContext& context) {
  return CreateProducts<ConvolutionProblem>(
      {.forward = ConvolutionForwards(),
       .weight_grads = ConvolutionKernelGrads(),
       .input_grad = ConvolutionInputGrads()},
      problem, ShapeOf(problem), wants_dx, context);
}

xnn::ConvolutionOptions XnnpackOptions(const ConvolutionProblem& problem) {
  const WindowGeometry& window = problem.window;
  return {.channels = window.channels,
          .out_channels = problem.out_channels,
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
          .depthwise = problem.depthwise,
          .use_bias = problem.use_bias,
          .clamp = ClampOf(problem.activation)};
}

}  // namespace batchsweep
