// Bodies of loss.h; included by kernels-inl.h after elementwise-inl.h, which
// has the sum of squares.

// Returns exp(x) for x <= 0 to 2 units in the last place; below -87, near the
// smallest normal float, exp(-87). It takes Cody and Waite's range reduction,
// x = n ln 2 + r with |r| <= ln 2 / 2, then sums exp(r)'s Taylor series and
// adds n to the exponent. It has neither branch nor call, so that a loop of it
// can run on vectors.
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

// Tests the exponents' bits, since a NaN would escape comparisons of floats. It
// collects the answer without a branch, so that the loop can run on vectors.
bool AllFinite(const float* x, int64_t count) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t infinite = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, x[i]);
    infinite |= uint32_t{(bits & kExponent) == kExponent};
  }
  return infinite == 0;
}

// Of equals the first counts, as in Keras' argmax.
int64_t FirstHighest(const float* row, int64_t classes) {
  int64_t highest = 0;
  for (int64_t c = 1; c < classes; ++c) {
    if (row[c] > row[highest]) highest = c;
  }
  return highest;
}

// Turns rows of logits into probabilities. score(row, highest, shifted logits,
// log of the sum of their exponentials) is called for each row in order.
template <class Score>
[[gnu::always_inline]] inline void Softmax(const float* __restrict logits,
                                           int64_t rows, int64_t classes,
                                           float* __restrict probabilities,
                                           const Score& score) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = logits + r * classes;
    const float highest = row[FirstHighest(row, classes)];
    for (int64_t c = 0; c < classes; ++c) {
      // Relative to the highest no exponential overflows, and one of them is 1.
      probabilities[r * classes + c] = row[c] - highest;
    }
  }
  // This goes through all rows at once: ten classes would not fill a vector.
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < rows * classes; ++i) {
    probabilities[i] = ExpOfNonPositive(probabilities[i]);
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* row = probabilities + r * classes;
    float sum = 0.0f;
    for (int64_t c = 0; c < classes; ++c) sum += row[c];
    const float scale = 1.0f / sum;
#pragma clang loop vectorize(enable)
    for (int64_t c = 0; c < classes; ++c) row[c] *= scale;
    const float* from = logits + r * classes;
    const int64_t highest = FirstHighest(from, classes);
    score(r, highest, from[highest] + __builtin_log(static_cast<double>(sum)));
  }
}

// Nothing more is computed then, so that what a kernel writes stays as it was.
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
  // Targets need not sum to 1: the gradient has their sum as a factor of p.
  const float scale = 1.0f / static_cast<float>(rows);
  for (int64_t r = 0; r < rows; ++r) {
    const float* target = targets + r * classes;
    float* row = probabilities + r * classes;
    float mass = 0.0f;
    for (int64_t c = 0; c < classes; ++c) mass += target[c];
#pragma clang loop vectorize(enable)
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
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < rows * columns; ++i) {
    gradient[i] = y[i] - targets[i];
  }
  for (int64_t r = 0; r < rows; ++r) {
    score.loss_sum += SumOfSquares(gradient + r * columns, columns) /
                      static_cast<double>(columns);
  }
  // The differences are scaled last, since the score needs them as they are.
  const float scale = 2.0f / static_cast<float>(rows * columns);
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < rows * columns; ++i) gradient[i] *= scale;
  return score;
}

void CrossEntropyGrad(const uint8_t* labels, int64_t rows, int64_t classes,
                      float* probabilities) {
  for (int64_t r = 0; r < rows; ++r) {
    probabilities[r * classes + labels[r]] -= 1.0f;
  }
  const float scale = 1.0f / static_cast<float>(rows);
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < rows * classes; ++i) probabilities[i] *= scale;
}

constexpr LossKernels kLossKernels = {
    .softmax_cross_entropy = SoftmaxCrossEntropy,
    .cross_entropy_grad = CrossEntropyGrad,
    .softmax_cross_entropy_of = SoftmaxCrossEntropyOf,
    .cross_entropy_of_grad = CrossEntropyOfGrad,
    .squared_error = SquaredError,
};
