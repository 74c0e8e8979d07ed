// The one body of every kernel; contracts are in kernels.h. Included once by
// each kernels_*.cc, which sets BATCHSWEEP_ISA_NAMESPACE and BATCHSWEEP_ISA.
//
// Nothing here may call an inline function of the standard library: compiled
// with this file's instruction set, it could become the copy that all of the
// program uses, and end it on a lesser CPU. Hence the builtins.

#include "kernels/kernels.h"

namespace batchsweep::BATCHSWEEP_ISA_NAMESPACE {
namespace {

#include "kernels/matrix_product-inl.h"
// The others build on its vectors.
#include "kernels/columns-inl.h"
#include "kernels/image-inl.h"

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

void Add(const float* __restrict x, int64_t count, float* __restrict y) {
  for (int64_t i = 0; i < count; ++i) y[i] += x[i];
}

void AddScaled(const float* __restrict x, float factor, int64_t count,
               float* __restrict y) {
  for (int64_t i = 0; i < count; ++i) y[i] += factor * x[i];
}

double SumOfSquares(const float* x, int64_t count) {
  // Eight sums, for vectors; blocks in double, for accuracy.
  constexpr int64_t kBlock = 1024, kSums = 8;
  double total = 0.0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = begin + kBlock < count ? begin + kBlock : count;
    float sums[kSums] = {};
    int64_t i = begin;
    for (; i + kSums <= end; i += kSums) {
      for (int64_t s = 0; s < kSums; ++s) sums[s] += x[i + s] * x[i + s];
    }
    for (; i < end; ++i) sums[0] += x[i] * x[i];
    for (const float sum : sums) total += sum;
  }
  return total;
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

// In the gradients dx may be dy, and x y in others: the compiler is told that
// nothing else overlaps, or it would leave vectors for just that case.
//
// A mask rather than a choice, so that it becomes vectors on every target. As
// an integer a positive float is positive, and -0 and negative floats are not.
void ReluGrad(const float* y, const float* dy, int64_t count, float* dx) {
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = 0; i < count; ++i) {
    const auto output = __builtin_bit_cast(int32_t, y[i]);
    const auto gradient = __builtin_bit_cast(int32_t, dy[i]);
    dx[i] = __builtin_bit_cast(float, gradient & -int32_t{output > 0});
  }
}

void Relu6Grad(const float* y, const float* dy, int64_t count, float* dx) {
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = 0; i < count; ++i) {
    const bool passes = (y[i] > 0.0f) & (y[i] < 6.0f);
    const auto gradient = __builtin_bit_cast(int32_t, dy[i]);
    dx[i] = __builtin_bit_cast(float, gradient & -int32_t{passes});
  }
}

void Clamp(float low, float high, int64_t count, float* y) {
  for (int64_t i = 0; i < count; ++i) {
    const float above = y[i] < low ? low : y[i];
    y[i] = above > high ? high : above;
  }
}

void LeakyRelu(const float* x, float slope, int64_t count, float* y) {
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] < 0.0f ? slope * x[i] : x[i];
}

void LeakyReluGrad(const float* y, const float* dy, float slope, int64_t count,
                   float* dx) {
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = 0; i < count; ++i) {
    dx[i] = y[i] > 0.0f ? dy[i] : slope * dy[i];
  }
}

void TanhGrad(const float* y, const float* dy, int64_t count, float* dx) {
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

void SigmoidGrad(const float* y, const float* dy, int64_t count, float* dx) {
#pragma clang loop vectorize(assume_safety)
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

void Dropout(const float* x, uint64_t key, int64_t first, int64_t count,
             uint32_t threshold, float scale, float* y) {
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = 0; i < count; ++i) {
    y[i] = Keeps(key, first + i, threshold) ? scale * x[i] : 0.0f;
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

// Rows of logits to probabilities. score(row, highest, shifted logits, log of
// the sum of their exponentials) is called for each row in order.
template <class Score>
[[gnu::always_inline]] inline void Softmax(const float* __restrict logits,
                                           int64_t rows, int64_t classes,
                                           float* __restrict probabilities,
                                           const Score& score) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = logits + r * classes;
    const float highest = row[FirstHighest(row, classes)];
    for (int64_t c = 0; c < classes; ++c) {
      probabilities[r * classes + c] = row[c] - highest;
    }
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
    const float* from = logits + r * classes;
    const int64_t highest = FirstHighest(from, classes);
    score(r, highest, from[highest] + __builtin_log(static_cast<double>(sum)));
  }
}

BatchScore NotFinite() {
  return {.loss_sum = __builtin_nan(""), .correct = 0, .finite = false};
}

BatchScore SoftmaxCrossEntropy(const float* __restrict logits,
                               const uint8_t* __restrict labels, int64_t rows,
                               int64_t classes,
                               float* __restrict probabilities) {
  if (!AllFinite(logits, rows * classes)) return NotFinite();
  BatchScore score;
  Softmax(logits, rows, classes, probabilities,
          [&](int64_t r, int64_t highest, double log_sum) {
            score.correct += highest == labels[r] ? 1 : 0;
            score.loss_sum +=
                log_sum - static_cast<double>(logits[r * classes + labels[r]]);
          });
  return score;
}

BatchScore SoftmaxCrossEntropyOf(const float* __restrict logits,
                                 const float* __restrict targets, int64_t rows,
                                 int64_t classes,
                                 float* __restrict probabilities) {
  if (!AllFinite(logits, rows * classes)) return NotFinite();
  BatchScore score;
  Softmax(logits, rows, classes, probabilities,
          [&](int64_t r, int64_t highest, double log_sum) {
            const float* target = targets + r * classes;
            score.correct += highest == FirstHighest(target, classes) ? 1 : 0;
            for (int64_t c = 0; c < classes; ++c) {
              score.loss_sum +=
                  static_cast<double>(target[c]) *
                  (log_sum - static_cast<double>(logits[r * classes + c]));
            }
          });
  return score;
}

void CrossEntropyOfGrad(const float* __restrict targets, int64_t rows,
                        int64_t classes, float* __restrict probabilities) {
  const float scale = 1.0f / static_cast<float>(rows);
  for (int64_t r = 0; r < rows; ++r) {
    const float* target = targets + r * classes;
    float* row = probabilities + r * classes;
    float mass = 0.0f;
    for (int64_t c = 0; c < classes; ++c) mass += target[c];
    for (int64_t c = 0; c < classes; ++c) {
      row[c] = (row[c] * mass - target[c]) * scale;
    }
  }
}

BatchScore SquaredError(const float* __restrict y,
                        const float* __restrict targets, int64_t rows,
                        int64_t columns, float* __restrict gradient) {
  if (!AllFinite(y, rows * columns)) return NotFinite();
  BatchScore score;
  for (int64_t i = 0; i < rows * columns; ++i) {
    gradient[i] = y[i] - targets[i];
  }
  for (int64_t r = 0; r < rows; ++r) {
    score.loss_sum += SumOfSquares(gradient + r * columns, columns) /
                      static_cast<double>(columns);
  }
  const float scale = 2.0f / static_cast<float>(rows * columns);
  for (int64_t i = 0; i < rows * columns; ++i) gradient[i] *= scale;
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
    .add = Add,
    .add_scaled = AddScaled,
    .sum_of_squares = SumOfSquares,
    .add_bias = AddBias,
    .add_bias_relu = AddBiasRelu,
    .clamp = Clamp,
    .leaky_relu = LeakyRelu,
    .relu_grad = ReluGrad,
    .relu6_grad = Relu6Grad,
    .leaky_relu_grad = LeakyReluGrad,
    .tanh_grad = TanhGrad,
    .sigmoid_grad = SigmoidGrad,
    .column_sums = ColumnSums,
    .matrix_product = MatrixProductOf,
    .max_pool = MaxPool,
    .max_pool_grad = MaxPoolGrad,
    .average_pool = AveragePool,
    .average_pool_grad = AveragePoolGrad,
    .depthwise_kernel_grad = DepthwiseKernelGrad,
    .depthwise_input_grad = DepthwiseInputGrad,
    .affine = Affine,
    .shifted_moments = ShiftedMoments,
    .gradient_moments = GradientMoments,
    .normalization_grad = NormalizationGrad,
    .dropout = Dropout,
    .softmax_cross_entropy = SoftmaxCrossEntropy,
    .cross_entropy_grad = CrossEntropyGrad,
    .softmax_cross_entropy_of = SoftmaxCrossEntropyOf,
    .cross_entropy_of_grad = CrossEntropyOfGrad,
    .squared_error = SquaredError,
};

}  // namespace batchsweep::BATCHSWEEP_ISA_NAMESPACE
