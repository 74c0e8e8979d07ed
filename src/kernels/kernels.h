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

struct Kernels {
  IsaLevel isa;

  // out[i] = scale * in[i]
  void (*scale_u8)(const uint8_t* in, int64_t count, float scale, float* out);

  void (*adam_step)(const AdamCoefficients& coefficients, const float* grads,
                    int64_t count, float* params, float* m, float* v);
  // `velocity` is not touched, and may be null, when momentum is 0.
  void (*sgd_step)(const SgdCoefficients& coefficients, const float* grads,
                   int64_t count, float* params, float* velocity);

  // y[r][c] += bias[c], and with relu the greater of that and 0; NaN stays NaN.
  // y is (rows, columns).
  void (*add_bias)(const float* bias, int64_t rows, int64_t columns, float* y);
  void (*add_bias_relu)(const float* bias, int64_t rows, int64_t columns,
                        float* y);

  // Gradient through an activation, from its output y: dx = dy * f'(x), where
  // f' is 1 for y > 0 and 0 otherwise (ReLU), 1 - y^2 (tanh), y * (1 - y)
  // (sigmoid). dx may be dy.
  void (*relu_grad)(const float* y, const float* dy, int64_t count, float* dx);
  void (*tanh_grad)(const float* y, const float* dy, int64_t count, float* dx);
  void (*sigmoid_grad)(const float* y, const float* dy, int64_t count,
                       float* dx);

  // sums[c] = x[0][c] + x[1][c] + ..., in that order. x is (rows, columns).
  void (*column_sums)(const float* x, int64_t rows, int64_t columns,
                      float* sums);

  // Softmax of each row of logits (rows, classes) into probabilities, and the
  // score against labels (rows). REQUIRES: every label < classes.
  BatchScore (*softmax_cross_entropy)(const float* logits,
                                      const uint8_t* labels, int64_t rows,
                                      int64_t classes, float* probabilities);
  // Gradient of the mean cross-entropy with respect to the logits, in place:
  // p -> (p - onehot(label)) / rows.
  void (*cross_entropy_grad)(const uint8_t* labels, int64_t rows,
                             int64_t classes, float* probabilities);
};

// The kernels compiled for `isa`, or for the strongest level below it that this
// build has.
const Kernels& KernelsFor(IsaLevel isa);

// Every table of this build that a CPU with `isa` can run, weakest first.
std::vector<const Kernels*> KernelsUpTo(IsaLevel isa);

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_KERNELS_H_
