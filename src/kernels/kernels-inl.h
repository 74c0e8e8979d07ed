// The one body of every kernel; contracts are in kernels.h. Included once by
// each kernels_*.cc, which sets BATCHSWEEP_ISA_NAMESPACE and BATCHSWEEP_ISA.
//
// Nothing here may call an inline function of the standard library: compiled
// with this file's instruction set, it could become the copy that all of the
// program uses, and end it on a lesser CPU. Hence the builtins.

#include "kernels/kernels.h"

namespace batchsweep::BATCHSWEEP_ISA_NAMESPACE {
namespace {

void ScaleU8(const uint8_t* __restrict in, int64_t count, float scale,
             float* __restrict out) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = scale * static_cast<float>(in[i]);
  }
}

// The one kernel whose arithmetic the compiler may approximate: where the build
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

void AddBias(const float* __restrict bias, int64_t rows, int64_t columns,
             float* __restrict y) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) y[r * columns + c] += bias[c];
  }
}

void AddBiasRelu(const float* __restrict bias, int64_t rows, int64_t columns,
                 float* __restrict y) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const float sum = y[r * columns + c] + bias[c];
      y[r * columns + c] = sum < 0.0f ? 0.0f : sum;
    }
  }
}

// A mask rather than a choice, so that it becomes vectors on every target. As
// an integer a positive float is positive, and -0 and negative floats are not.
void ReluGrad(const float* y, const float* dy, int64_t count, float* dx) {
  for (int64_t i = 0; i < count; ++i) {
    const auto output = __builtin_bit_cast(int32_t, y[i]);
    const auto gradient = __builtin_bit_cast(int32_t, dy[i]);
    dx[i] = __builtin_bit_cast(float, gradient & -int32_t{output > 0});
  }
}

void TanhGrad(const float* y, const float* dy, int64_t count, float* dx) {
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

void SigmoidGrad(const float* y, const float* dy, int64_t count, float* dx) {
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * (y[i] * (1.0f - y[i]));
}

void ColumnSums(const float* __restrict x, int64_t rows, int64_t columns,
                float* __restrict sums) {
  // Sums of a block of columns stay in registers: 64 floats are four AVX-512
  // registers or sixteen of NEON.
  constexpr int64_t kBlock = 64;
  int64_t c = 0;
  for (; c + kBlock <= columns; c += kBlock) {
    float block[kBlock] = {};
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < kBlock; ++i) block[i] += x[r * columns + c + i];
    }
    for (int64_t i = 0; i < kBlock; ++i) sums[c + i] = block[i];
  }
  for (int64_t i = c; i < columns; ++i) sums[i] = 0.0f;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = c; i < columns; ++i) sums[i] += x[r * columns + i];
  }
}

// exp(x) for x <= 0 to 2 units in the last place; below -87, near the smallest
// normal float, exp(-87). Cody and Waite's range reduction, x = n ln 2 + r with
// |r| <= ln 2 / 2, then exp(r)'s Taylor series and n added to the exponent.
inline float ExpOfNonPositive(float x) {
  x = x < -87.0f ? -87.0f : x;
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  constexpr float kRounder = 12582912.0f;
  const float shifted = x * 1.44269504f + kRounder;
  const float n = shifted - kRounder;
  float r = x - n * 0.693359375f;  // ln 2 in two parts; the first has 9 bits,
  r -= n * -2.12194440e-4f;        // so its product with n is exact
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const uint32_t exponent = __builtin_bit_cast(uint32_t, shifted) << 23;
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, p) + exponent);
}

// Without floating-point comparisons, which NaN would escape.
bool AllFinite(const float* x, int64_t count) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t infinite = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, x[i]);
    infinite |= uint32_t{(bits & kExponent) == kExponent};
  }
  return infinite == 0;
}

int64_t FirstHighest(const float* row, int64_t classes) {
  int64_t highest = 0;
  for (int64_t c = 1; c < classes; ++c) {
    if (row[c] > row[highest]) highest = c;
  }
  return highest;
}

BatchScore SoftmaxCrossEntropy(const float* __restrict logits,
                               const uint8_t* __restrict labels, int64_t rows,
                               int64_t classes,
                               float* __restrict probabilities) {
  BatchScore score;
  score.finite = AllFinite(logits, rows * classes);
  if (!score.finite) {
    score.loss_sum = __builtin_nan("");
    return score;
  }
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = logits + r * classes;
    const int64_t highest = FirstHighest(row, classes);
    score.correct += highest == labels[r] ? 1 : 0;
    for (int64_t c = 0; c < classes; ++c) {
      probabilities[r * classes + c] = row[c] - row[highest];
    }
    score.loss_sum -= probabilities[r * classes + labels[r]];
  }
  // All rows at once: rows of ten classes would not fill a vector.
  for (int64_t i = 0; i < rows * classes; ++i) {
    probabilities[i] = ExpOfNonPositive(probabilities[i]);
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* row = probabilities + r * classes;
    float sum = 0.0f;
    for (int64_t c = 0; c < classes; ++c) sum += row[c];
    const float scale = 1.0f / sum;
    for (int64_t c = 0; c < classes; ++c) row[c] *= scale;
    score.loss_sum += __builtin_log(static_cast<double>(sum));
  }
  return score;
}

void CrossEntropyGrad(const uint8_t* labels, int64_t rows, int64_t classes,
                      float* probabilities) {
  for (int64_t r = 0; r < rows; ++r) {
    probabilities[r * classes + labels[r]] -= 1.0f;
  }
  const float scale = 1.0f / static_cast<float>(rows);
  for (int64_t i = 0; i < rows * classes; ++i) probabilities[i] *= scale;
}

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels = {
    .isa = BATCHSWEEP_ISA,
    .scale_u8 = ScaleU8,
    .adam_step = AdamStep,
    .sgd_step = SgdStep,
    .add_bias = AddBias,
    .add_bias_relu = AddBiasRelu,
    .relu_grad = ReluGrad,
    .tanh_grad = TanhGrad,
    .sigmoid_grad = SigmoidGrad,
    .column_sums = ColumnSums,
    .softmax_cross_entropy = SoftmaxCrossEntropy,
    .cross_entropy_grad = CrossEntropyGrad,
};

}  // namespace batchsweep::BATCHSWEEP_ISA_NAMESPACE
