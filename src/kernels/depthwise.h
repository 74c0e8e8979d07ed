// Depthwise convolutions and their gradients, for one image at a time: each
// channel by itself is summed over the taps of a kernel.
#ifndef BATCHSWEEP_KERNELS_DEPTHWISE_H_
#define BATCHSWEEP_KERNELS_DEPTHWISE_H_

#include <cstdint>

namespace batchsweep {

// One tap of a kernel: where it reads in the image, in floats from the place of
// the position, and where its row of weights begins in the kernel.
struct DepthwiseTap {
  int64_t place = 0;
  int64_t weights = 0;
};

// The positions of a window, (lines, pixels), and what is read at each. Nothing
// tests for the image's edge: `x` has the zeros around it that taps read there.
// Strides and dilation are in the steps and the taps' places.
struct DepthwisePass {
  int64_t lines = 0, pixels = 0, channels = 0;
  const DepthwiseTap* taps = nullptr;
  int64_t tap_count = 0;
  const float* x = nullptr;  // of the first position
  // Floats from one position to the next below it and beside it, in x and in
  // what is written or, for gradients, in dy.
  int64_t x_line = 0, x_pixel = 0;
  int64_t y_line = 0, y_pixel = 0;
};

// y is clamped to low .. high; NaN stays NaN.
struct DepthwiseClamp {
  float low = -__builtin_inff();
  float high = __builtin_inff();
};

struct DepthwiseKernels {
  // y[position][c] = clamp(bias[c] + sum over taps of x[position + place][c] *
  // kernel[weights + c]): the bias first, then the taps in their order, each by
  // one fused multiply-add where the CPU has it. Without `bias` it is 0.
  void (*depthwise)(const DepthwisePass& pass, const float* kernel,
                    const float* bias, const DepthwiseClamp& clamp, float* y);
  // dkernel[weights + c] += the sum over positions, in reading order, of
  // x[position + place][c] * dy[position][c].
  void (*depthwise_kernel_grad)(const DepthwisePass& pass, const float* dy,
                                float* dkernel);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_DEPTHWISE_H_
