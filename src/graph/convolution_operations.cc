#include "graph/convolution_operations.h"

#include "graph/arithmetic.h"

namespace batchsweep {
namespace {

// XNNPACK's convolution begins its inner loop anew for each tap of the kernel;
// with fewer channels than this there is hardly a loop left.
constexpr int64_t kFewChannels = 4;

// This rule was measured on x86-64 with AVX-512. Forward, our product is twice
// as fast where there are few channels: 9.6 to 17 us for 3 images of 28x28x1 to
// 32. With strides, our phases take 571 us for the last such convolution of
// resnet8 at a batch of 8, XNNPACK's deconvolution 820. XNNPACK has no operator
// for dW.
ProductChoice FastestFor(const ConvolutionProblem& problem) {
  const WindowGeometry& window = problem.window;
  const bool strided = window.stride_height > 1 || window.stride_width > 1;
  return {
      .forward =
          window.channels < kFewChannels ? Library::kOwn : Library::kXnnpack,
      .weight_grads = Library::kOwn,
      .input_grad = strided ? Library::kOwn : Library::kXnnpack,
  };
}

}  // namespace

Result<Products> CreateConvolutionProducts(const ConvolutionProblem& problem,
                                           bool wants_dx,
                                           const ComputeContext& context) {
  return CreateProducts<ConvolutionProblem>(
      {.forward = ConvolutionForwards(),
       .weight_grads = ConvolutionKernelGrads(),
       .input_grad = ConvolutionInputGrads()},
      FastestFor(problem), problem, wants_dx, context);
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
