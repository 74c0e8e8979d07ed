// The product of matrices that lie as they lie: nothing is packed beforehand.
#ifndef BATCHSWEEP_KERNELS_MATRIX_PRODUCT_H_
#define BATCHSWEEP_KERNELS_MATRIX_PRODUCT_H_

#include <cstdint>
#include <limits>

namespace batchsweep {

// c[i][j] = start + sum over k of a(k, i) * b[k][j], then clamped. Each sum
// begins with its start and takes k in ascending order, by fma where the CPU
// has it: these are the bits of XNNPACK's operators on floats. The sum runs
// over `bands` groups of `rows` consecutive k: within a group, the next k is a
// stride further; moving to the next group adds the band strides. So a group
// can be a line of a kernel or of an image, with the rest of the image's line
// between it and the next.
//
// All that a dense layer and a convolution compute is such a product:
//   x W      a_stride 1, a_offsets the rows of x, b the weights
//   x' dy    a the rows of x, which lie as they are wanted
//   W dy'    a_stride 1, a_offsets the rows of W
//   a convolution's y: a_offsets its pixels, bands and rows the kernel's taps
//   its dW:  a_offsets its taps, bands and rows the pixels
struct MatrixProduct {
  static constexpr float kUnlimited = std::numeric_limits<float>::infinity();

  const float* a = nullptr;
  int64_t a_stride = 0;  // from k to k + 1 within a band, in floats
  int64_t a_band_stride = 0;
  // a(k, i) lies a_offsets[i] behind where a(k, .) begins; null: i behind.
  const int32_t* a_offsets = nullptr;
  const float* b = nullptr;
  int64_t b_stride = 0;
  int64_t b_band_stride = 0;
  int64_t bands = 1;
  int64_t rows = 0;
  int64_t m = 0;  // c is (m, n), its rows c_stride apart
  int64_t n = 0;
  float* c = nullptr;
  int64_t c_stride = 0;
  bool accumulate = false;  // the sums start with what c holds
  // (n), what each row's sums start with unless they accumulate; null: zero.
  const float* bias = nullptr;
  // The nearest values in low .. high are written; NaN stays NaN.
  float low = -kUnlimited;
  float high = kUnlimited;
};

struct ProductKernels {
  void (*matrix_product)(const MatrixProduct& product);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_MATRIX_PRODUCT_H_
