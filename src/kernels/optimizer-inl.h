// Bodies of optimizer.h; included by kernels-inl.h after matrix_product-inl.h,
// which has the vectors.

#include "kernels/roots-inl.h"

// So many vectors go through an optimizer's loop together, so that one's
// latencies are filled with another's work, as far as registers allow.
#if defined(__aarch64__)
constexpr int kTogether = 4;
#else
constexpr int kTogether = 2;
#endif

// What an optimizer walks along: gradients, and the arrays that it changes.
template <int kArrays>
struct Streams {
  const float* grads;
  float* arrays[kArrays];
};

template <int kArrays>
[[gnu::always_inline]] inline Streams<kArrays> Behind(
    const Streams<kArrays>& streams, int64_t i) {
  Streams<kArrays> behind = streams;
  behind.grads += i;
  for (float*& array : behind.arrays) array += i;
  return behind;
}

// Calls step.operator()<1>() with the last count < kLanes values, in copies as
// long as a vector.
template <int kArrays, class Step>
[[gnu::always_inline]] inline void StepOfTail(const Streams<kArrays>& streams,
                                              int64_t count, const Step& step) {
  float grads[kLanes] = {};
  float values[kArrays][kLanes] = {};
  Streams<kArrays> copies{.grads = grads, .arrays = {}};
  for (int a = 0; a < kArrays; ++a) copies.arrays[a] = values[a];
  for (int64_t i = 0; i < count; ++i) {
    grads[i] = streams.grads[i];
    for (int a = 0; a < kArrays; ++a) values[a][i] = streams.arrays[a][i];
  }
  step.template operator()<1>(copies);
  for (int64_t i = 0; i < count; ++i) {
    for (int a = 0; a < kArrays; ++a) streams.arrays[a][i] = values[a][i];
  }
}

// Calls step.operator()<vectors>(streams) for all `count` values, kTogether
// vectors at a time where there are as many. All values go through as vectors,
// so that the bits of one depend neither on its place nor on `count`: a tensor
// that is updated in parts comes out as if it were updated in one go.
template <int kArrays, class Step>
[[gnu::always_inline]] inline void StepInVectors(
    const Streams<kArrays>& streams, int64_t count, const Step& step) {
  int64_t i = 0;
  for (; i + kTogether * kLanes <= count; i += kTogether * kLanes) {
    step.template operator()<kTogether>(Behind(streams, i));
  }
  for (; i + kLanes <= count; i += kLanes) {
    step.template operator()<1>(Behind(streams, i));
  }
  if (i < count) StepOfTail(Behind(streams, i), count - i, step);
}

void AdamStep(const AdamCoefficients& coefficients, const float* grads,
              int64_t count, float* params, float* m, float* v) {
  const auto [step_size, one_minus_beta1, one_minus_beta2, epsilon, decay] =
      coefficients;
  const float keep = 1.0f - decay;
  const Streams<3> streams{.grads = grads, .arrays = {params, m, v}};
  StepInVectors(streams, count, [&]<int kVectors>(const Streams<3>& s) {
    Vector weights[kVectors], mean[kVectors], square[kVectors];
    for (int j = 0; j < kVectors; ++j) {
      const Vector g = Load(s.grads + j * kLanes);
      weights[j] = Load(s.arrays[0] + j * kLanes);
      mean[j] = Load(s.arrays[1] + j * kLanes);
      square[j] = Load(s.arrays[2] + j * kLanes);
      mean[j] += (g - mean[j]) * one_minus_beta1;
      square[j] -= (square[j] - g * g) * one_minus_beta2;
    }
    for (int j = 0; j < kVectors; ++j) {
      weights[j] = weights[j] * keep + QuotientOf(-step_size * mean[j],
                                                  RootOf(square[j]) + epsilon);
    }
    for (int j = 0; j < kVectors; ++j) {
      Store(s.arrays[0] + j * kLanes, weights[j]);
      Store(s.arrays[1] + j * kLanes, mean[j]);
      Store(s.arrays[2] + j * kLanes, square[j]);
    }
  });
}

template <bool kMomentum, bool kCentered>
void RmsPropLoop(const RmsPropCoefficients& coefficients,
                 const Streams<2 + kMomentum + kCentered>& streams,
                 int64_t count) {
  const auto [learning_rate, one_minus_rho, keep, epsilon] = coefficients;
  StepInVectors(streams, count, [&]<int kVectors>(const auto& s) {
    for (int j = 0; j < kVectors; ++j) {
      const int64_t at = j * kLanes;
      const Vector g = Load(s.grads + at);
      const auto value = [&](int array) { return Load(s.arrays[array] + at); };
      Vector square = value(1);
      square -= (square - g * g) * one_minus_rho;
      Store(s.arrays[1] + at, square);
      if constexpr (kCentered) {
        Vector mean = value(2 + kMomentum);
        mean += (g - mean) * one_minus_rho;
        Store(s.arrays[2 + kMomentum] + at, mean);
        square -= mean * mean;
      }
      Vector change = QuotientOf(learning_rate * g, RootOf(square + epsilon));
      if constexpr (kMomentum) {
        change = keep * value(2) + change;
        Store(s.arrays[2] + at, change);
      }
      Store(s.arrays[0] + at, value(0) - change);
    }
  });
}

// A loop each, so that none has a branch inside.
void RmsPropStep(const RmsPropCoefficients& coefficients, const float* grads,
                 int64_t count, float* params, float* velocity, float* momentum,
                 float* mean) {
  if (momentum == nullptr && mean == nullptr) {
    RmsPropLoop<false, false>(coefficients, {grads, {params, velocity}}, count);
  } else if (momentum == nullptr) {
    RmsPropLoop<false, true>(coefficients, {grads, {params, velocity, mean}},
                             count);
  } else if (mean == nullptr) {
    RmsPropLoop<true, false>(coefficients,
                             {grads, {params, velocity, momentum}}, count);
  } else {
    RmsPropLoop<true, true>(coefficients,
                            {grads, {params, velocity, momentum, mean}}, count);
  }
}

void SgdStep(const SgdCoefficients& coefficients, const float* grads,
             int64_t count, float* params, float* velocity) {
  const auto [learning_rate, momentum, nesterov] = coefficients;
  if (momentum == 0.0f) {
    const Streams<1> streams{.grads = grads, .arrays = {params}};
    StepInVectors(streams, count, [&]<int kVectors>(const Streams<1>& s) {
      for (int j = 0; j < kVectors; ++j) {
        float* weights = s.arrays[0] + j * kLanes;
        const Vector g = Load(s.grads + j * kLanes);
        Store(weights, Load(weights) - learning_rate * g);
      }
    });
    return;
  }
  // Both forms are w += a * v + b * g: one loop without a branch inside.
  const float from_velocity = nesterov ? momentum : 1.0f;
  const float from_grad = nesterov ? -learning_rate : 0.0f;
  const Streams<2> streams{.grads = grads, .arrays = {params, velocity}};
  StepInVectors(streams, count, [&]<int kVectors>(const Streams<2>& s) {
    for (int j = 0; j < kVectors; ++j) {
      float* weights = s.arrays[0] + j * kLanes;
      float* velocities = s.arrays[1] + j * kLanes;
      const Vector g = Load(s.grads + j * kLanes);
      const Vector v = momentum * Load(velocities) - learning_rate * g;
      Store(velocities, v);
      Store(weights, Load(weights) + (from_velocity * v + from_grad * g));
    }
  });
}

constexpr OptimizerKernels kOptimizerKernels = {
    .adam_step = AdamStep,
    .sgd_step = SgdStep,
    .rmsprop_step = RmsPropStep,
};
