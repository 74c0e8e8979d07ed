// Steps of the optimizers.
#ifndef BATCHSWEEP_KERNELS_OPTIMIZER_H_
#define BATCHSWEEP_KERNELS_OPTIMIZER_H_

#include <cstdint>

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

// RMSprop as Keras computes it (keras.io/api/optimizers/rmsprop):
//   v += (g^2 - v) * one_minus_rho
//   a += (g - a) * one_minus_rho                            (centered only)
//   d = learning_rate * g / sqrt(v + epsilon), centered sqrt(v - a^2 + epsilon)
//   w -= d, or with momentum m = momentum * m + d; w -= m
struct RmsPropCoefficients {
  float learning_rate;
  float one_minus_rho;
  float momentum;
  float epsilon;
};

// m, v and velocities are computed as the formulas say, in float. The change of
// a weight under Adam and RMSprop is right to 4 units in the last place (4 *
// 2^-23 of it) for what is stored of m and v: quotients on x86 with FMA, roots
// and quotients on Arm are estimates, refined; those of SSE2 are exact. A v
// below the smallest normal float counts as 0. A gradient, m or v that is
// infinite or NaN makes a weight that is NaN or infinite, which the next step's
// logits show. The bits of a weight depend neither on its place in the tensor
// nor on `count`, and differ between instruction sets.
struct OptimizerKernels {
  void (*adam_step)(const AdamCoefficients& coefficients, const float* grads,
                    int64_t count, float* params, float* m, float* v);
  // `velocity` is not touched, and may be null, when momentum is 0.
  void (*sgd_step)(const SgdCoefficients& coefficients, const float* grads,
                   int64_t count, float* params, float* velocity);
  // `momentum` (m) is null without momentum, `mean` (a) unless centered.
  void (*rmsprop_step)(const RmsPropCoefficients& coefficients,
                       const float* grads, int64_t count, float* params,
                       float* velocity, float* momentum, float* mean);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_OPTIMIZER_H_
