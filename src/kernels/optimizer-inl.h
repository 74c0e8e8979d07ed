// Bodies of optimizer.h; included by kernels-inl.h.

// The kernels whose arithmetic the compiler may approximate: where the build
// asks for it (-mrecip), root and quotient are estimated and refined to 3 units
// in the last place, which takes half the time of the exact instructions. A NaN
// or infinity that comes in makes a weight that the next step's logits show.
#pragma float_control(precise, off, push)
void AdamStep(const AdamCoefficients& coefficients,
              const float* __restrict grads, int64_t count,
              float* __restrict params, float* __restrict m,
              float* __restrict v) {
  const auto [step_size, one_minus_beta1, one_minus_beta2, epsilon, decay] =
      coefficients;
  const float keep = 1.0f - decay;
  for (int64_t i = 0; i < count; ++i) {
    const float g = grads[i];
    m[i] += (g - m[i]) * one_minus_beta1;
    v[i] += (g * g - v[i]) * one_minus_beta2;
    params[i] =
        params[i] * keep - step_size * m[i] / (__builtin_sqrtf(v[i]) + epsilon);
  }
}

template <bool kMomentum, bool kCentered>
void RmsPropLoop(const RmsPropCoefficients& coefficients,
                 const float* __restrict grads, int64_t count,
                 float* __restrict params, float* __restrict velocity,
                 float* __restrict momentum, float* __restrict mean) {
  const auto [learning_rate, rho, one_minus_rho, keep, epsilon] = coefficients;
  for (int64_t i = 0; i < count; ++i) {
    const float g = grads[i];
    velocity[i] = rho * velocity[i] + one_minus_rho * (g * g);
    float square = velocity[i];
    if constexpr (kCentered) {
      mean[i] = rho * mean[i] + one_minus_rho * g;
      square -= mean[i] * mean[i];
    }
    float change = learning_rate * g / __builtin_sqrtf(square + epsilon);
    if constexpr (kMomentum) change = momentum[i] = keep * momentum[i] + change;
    params[i] -= change;
  }
}

void RmsPropStep(const RmsPropCoefficients& coefficients,
                 const float* __restrict grads, int64_t count,
                 float* __restrict params, float* __restrict velocity,
                 float* __restrict momentum, float* __restrict mean) {
  // A loop each, so that none has a branch inside.
  const auto loop = momentum == nullptr
                        ? (mean == nullptr ? RmsPropLoop<false, false>
                                           : RmsPropLoop<false, true>)
                        : (mean == nullptr ? RmsPropLoop<true, false>
                                           : RmsPropLoop<true, true>);
  loop(coefficients, grads, count, params, velocity, momentum, mean);
}
#pragma float_control(pop)

void SgdStep(const SgdCoefficients& coefficients, const float* __restrict grads,
             int64_t count, float* __restrict params,
             float* __restrict velocity) {
  const auto [learning_rate, momentum, nesterov] = coefficients;
  if (momentum == 0.0f) {
    for (int64_t i = 0; i < count; ++i) params[i] -= learning_rate * grads[i];
    return;
  }
  // Both forms are w += a * v + b * g: one loop without a branch inside.
  const float from_velocity = nesterov ? momentum : 1.0f;
  const float from_grad = nesterov ? -learning_rate : 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    velocity[i] = momentum * velocity[i] - learning_rate * grads[i];
    params[i] += from_velocity * velocity[i] + from_grad * grads[i];
  }
}

constexpr OptimizerKernels kOptimizerKernels = {
    .adam_step = AdamStep,
    .sgd_step = SgdStep,
    .rmsprop_step = RmsPropStep,
};
