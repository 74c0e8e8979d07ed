// The arithmetic of a training step that XNNPACK lacks.
//
// One body (kernels-inl.h) is compiled once for each instruction set, each in
// a namespace of its own; a table holds the entry points and KernelsFor()
// gives the one that the CPU can run. Bodies are plain loops that the compiler
// turns into vectors. All kernels run on the calling thread, none allocates,
// and no pointer need be aligned. Pointers of one call do not overlap unless
// it says so.
#ifndef BATCHSWEEP_KERNELS_KERNELS_H_
#define BATCHSWEEP_KERNELS_KERNELS_H_

#include <cstdint>
#include <vector>

#include "platform/cpu.h"

namespace batchsweep {

// Adam and AdamW as Keras computes them (keras.io/api/optimizers/adam), t the
// number of the step from 1:
//   w -= decay * w                                          (AdamW only)
//   m += (g - m) * one_minus_beta1
//   v += (g^2 - v) * one_minus_beta2
//   w -= step_size * m / (sqrt(v) + epsilon)
struct AdamCoefficients {
  float step_size;  // learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t)
  float one_minus_beta1;
  float one_minus_beta2;
  float epsilon;
  float decay;  // learning_rate * weight_decay; 0 for Adam
};

// SGD as Keras computes it (keras.io/api/optimizers/sgd):
//   v = momentum * v - learning_rate * g
//   w += v, or with nesterov w += momentum * v - learning_rate * g
struct SgdCoefficients {
  float learning_rate;
  float momentum;
  bool nesterov;
};

// What a batch of predictions is worth.
struct BatchScore {
  double loss_sum = 0.0;  // cross-entropy over the examples, natural log; NaN
                          // unless every logit is finite
  int64_t correct = 0;    // examples whose first highest logit is the label's
  bool finite = true;     // whether every logit is
};

// c[i][j] (+)= sum over k of a(k, i) * b[k][j], k in ascending order. Rows k
// come in `bands` of `rows` each: a kernel's lines, an image's lines. All that
// a dense layer and a convolution compute is this, with nothing packed:
//   x W      a_stride 1, a_offsets the rows of x, b the weights
//   x' dy    a the rows of x, which lie as they are wanted
//   W dy'    a_stride 1, a_offsets the rows of W
//   a convolution's y: a_offsets its pixels, bands and rows the kernel's taps
//   its dW:  a_offsets its taps, bands and rows the pixels
struct MatrixProduct {
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
  bool accumulate = false;
};

// A window gliding over one image, (H, W, C) to (OH, OW, ..).
struct Window {
  int64_t height = 0, width = 0, channels = 0;  // of the image
  int64_t out_height = 0, out_width = 0;
  int64_t window_height = 1, window_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t top = 0, left = 0;  // zeros before the image; what is behind follows
};

// Whether dropout keeps value `index` of the tensor of `key`: with probability
// 1 - threshold / 2^32. A hash of both, so that any order and number of threads
// gives the same.
[[gnu::always_inline]] inline bool Keeps(uint64_t key, int64_t index,
                                         uint32_t threshold) {
  // Two rounds of Murmur3's finaliser; 32 bits, so that it becomes vectors.
  auto hash =
      static_cast<uint32_t>(index) * 0x9e3779b9u + static_cast<uint32_t>(key);
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  hash ^= static_cast<uint32_t>(key >> 32);
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  hash ^= hash >> 16;
  return hash >= threshold;
}

struct Kernels {
  IsaLevel isa;

  // out[i] = scale * in[i]
  void (*scale_u8)(const uint8_t* in, int64_t count, float scale, float* out);

  void (*adam_step)(const AdamCoefficients& coefficients, const float* grads,
                    int64_t count, float* params, float* m, float* v);
  // `velocity` is not touched, and may be null, when momentum is 0.
  void (*sgd_step)(const SgdCoefficients& coefficients, const float* grads,
                   int64_t count, float* params, float* velocity);

  // y[i] += x[i]
  void (*add)(const float* x, int64_t count, float* y);
  // y[i] += factor * x[i]
  void (*add_scaled)(const float* x, float factor, int64_t count, float* y);
  // The sum of x[i]^2, in a fixed order.
  double (*sum_of_squares)(const float* x, int64_t count);

  // y[r][c] += bias[c], and with relu the greater of that and 0; NaN stays NaN.
  // y is (rows, columns).
  void (*add_bias)(const float* bias, int64_t rows, int64_t columns, float* y);
  void (*add_bias_relu)(const float* bias, int64_t rows, int64_t columns,
                        float* y);

  // y[i] = the nearest value in low .. high; NaN stays NaN.
  void (*clamp)(float low, float high, int64_t count, float* y);
  // y[i] = x[i], times slope where it is negative. y may be x.
  void (*leaky_relu)(const float* x, float slope, int64_t count, float* y);

  // Gradient through an activation, from its output y: dx = dy * f'(x), where
  // f' is 1 for y > 0 and 0 otherwise (ReLU), 1 for 0 < y < 6 and 0 otherwise
  // (ReLU6), 1 for y > 0 and the slope otherwise (leaky ReLU), 1 - y^2 (tanh),
  // y * (1 - y) (sigmoid). dx may be dy.
  void (*relu_grad)(const float* y, const float* dy, int64_t count, float* dx);
  void (*relu6_grad)(const float* y, const float* dy, int64_t count, float* dx);
  void (*leaky_relu_grad)(const float* y, const float* dy, float slope,
                          int64_t count, float* dx);
  void (*tanh_grad)(const float* y, const float* dy, int64_t count, float* dx);
  void (*sigmoid_grad)(const float* y, const float* dy, int64_t count,
                       float* dx);

  // sums[c] = x[0][c] + x[1][c] + ..., in that order. x is (rows, columns).
  void (*column_sums)(const float* x, int64_t rows, int64_t columns,
                      float* sums);

  // See MatrixProduct.
  void (*matrix_product)(const MatrixProduct& products);

  // Pooling of one image (H, W, C) with zeros or nothing around it.
  // Maximum: of equal values the first in reading order wins; `winner` (OH, OW,
  // C) gets its place in the window, ky * window_width + kx.
  void (*max_pool)(const Window& window, const float* x, float* y,
                   uint16_t* winner);
  // dx from dy and the winners; where masked, only for y > 0, as if a ReLU
  // stood in front.
  void (*max_pool_grad)(const Window& window, const float* y, const float* dy,
                        const uint16_t* winner, bool masked, float* dx);
  // Average of the values inside the image.
  void (*average_pool)(const Window& window, const float* x, float* y);
  void (*average_pool_grad)(const Window& window, const float* dy, float* dx);

  // Gradients of a depthwise convolution of one image; kernel (KH, KW, C,
  // multiplier). dkernel is added to.
  void (*depthwise_kernel_grad)(const Window& window, int64_t multiplier,
                                const float* x, const float* dy,
                                float* dkernel);
  void (*depthwise_input_grad)(const Window& window, int64_t multiplier,
                               const float* dy, const float* kernel, float* dx);

  // y[r][c] = x[r][c] * scale[c] + offset[c]; y may be x.
  void (*affine)(const float* x, const float* scale, const float* offset,
                 int64_t rows, int64_t columns, float* y);
  // sums[c] = sum of x[r][c] - shift[c], squares[c] = of their squares.
  void (*shifted_moments)(const float* x, const float* shift, int64_t rows,
                          int64_t columns, float* sums, float* squares);
  // sums[c] = sum of dy[r][c], products[c] = of dy[r][c] * (x[r][c] -
  // shift[c]).
  void (*gradient_moments)(const float* x, const float* dy, const float* shift,
                           int64_t rows, int64_t columns, float* sums,
                           float* products);
  // dx[r][c] = dy[r][c] * a[c] + x[r][c] * b[c] + d[c]; dx may be dy.
  void (*normalization_grad)(const float* x, const float* dy, const float* a,
                             const float* b, const float* d, int64_t rows,
                             int64_t columns, float* dx);

  // y[i] = Keeps(key, first + i, threshold) ? scale * x[i] : 0. y may be x.
  void (*dropout)(const float* x, uint64_t key, int64_t first, int64_t count,
                  uint32_t threshold, float scale, float* y);

  // Softmax of each row of logits (rows, classes) into probabilities, and the
  // score against labels (rows). REQUIRES: every label < classes.
  BatchScore (*softmax_cross_entropy)(const float* logits,
                                      const uint8_t* labels, int64_t rows,
                                      int64_t classes, float* probabilities);
  // Gradient of the mean cross-entropy with respect to the logits, in place:
  // p -> (p - onehot(label)) / rows.
  void (*cross_entropy_grad)(const uint8_t* labels, int64_t rows,
                             int64_t classes, float* probabilities);
  // The same with a distribution for each row instead of a label. An example is
  // correct if its highest logit is where its highest target is.
  BatchScore (*softmax_cross_entropy_of)(const float* logits,
                                         const float* targets, int64_t rows,
                                         int64_t classes, float* probabilities);
  // p -> (p * (sum of the row's targets) - target) / rows
  void (*cross_entropy_of_grad)(const float* targets, int64_t rows,
                                int64_t classes, float* probabilities);
  // The score's loss is the sum over rows of the mean of (y - target)^2 over
  // columns; gradient (rows, columns) gets that of its mean over rows.
  BatchScore (*squared_error)(const float* y, const float* targets,
                              int64_t rows, int64_t columns, float* gradient);
};

// The kernels compiled for `isa`, or for the strongest level below it that this
// build has.
const Kernels& KernelsFor(IsaLevel isa);

// Every table of this build that a CPU with `isa` can run, weakest first.
std::vector<const Kernels*> KernelsUpTo(IsaLevel isa);

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_KERNELS_H_
