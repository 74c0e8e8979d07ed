// What is done to each value of an array by itself, and sums over arrays.
#ifndef BATCHSWEEP_KERNELS_ELEMENTWISE_H_
#define BATCHSWEEP_KERNELS_ELEMENTWISE_H_

#include <cstdint>

namespace batchsweep {

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

struct ElementwiseKernels {
  // out[i] = scale * in[i]
  void (*scale_u8)(const uint8_t* in, int64_t count, float scale, float* out);

  // y[i] += x[i]
  void (*add)(const float* x, int64_t count, float* y);
  // y[i] += factor * x[i]
  void (*add_scaled)(const float* x, float factor, int64_t count, float* y);
  // The sum of x[i]^2, in a fixed order.
  double (*sum_of_squares)(const float* x, int64_t count);

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

  // y[i] = Keeps(key, first + i, threshold) ? scale * x[i] : 0. y may be x.
  void (*dropout)(const float* x, uint64_t key, int64_t first, int64_t count,
                  uint32_t threshold, float scale, float* y);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_ELEMENTWISE_H_
