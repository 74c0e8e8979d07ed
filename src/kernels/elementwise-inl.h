// Bodies of elementwise.h; included by kernels-inl.h.

void ScaleU8(const uint8_t* __restrict in, int64_t count, float scale,
             float* __restrict out) {
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < count; ++i) {
    out[i] = scale * static_cast<float>(in[i]);
  }
}

void Add(const float* __restrict x, int64_t count, float* __restrict y) {
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < count; ++i) y[i] += x[i];
}

void AddScaled(const float* __restrict x, float factor, int64_t count,
               float* __restrict y) {
#pragma clang loop vectorize(enable)
  for (int64_t i = 0; i < count; ++i) y[i] += factor * x[i];
}

double SumOfSquares(const float* x, int64_t count) {
  // Eight sums, as a vector; blocks in double, for accuracy.
  constexpr int64_t kBlock = 1024, kSums = 8;
  typedef float Sums __attribute__((vector_size(4 * kSums), aligned(4)));
  double total = 0.0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = begin + kBlock < count ? begin + kBlock : count;
    Sums sums = {};
    int64_t i = begin;
    for (; i + kSums <= end; i += kSums) {
      const auto values = *reinterpret_cast<const Sums*>(x + i);
      sums += values * values;
    }
    // Seven at most.
#pragma clang loop unroll(disable)
    for (; i < end; ++i) sums[0] += x[i] * x[i];
    for (int64_t s = 0; s < kSums; ++s) total += sums[s];
  }
  return total;
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

// The unsigned integers of a vector's size; Keeps() for as many of them.
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));

// `mixed`: of each index, index * 0x9e3779b9 + the key's lower half. Returns
// all bits for the values to keep, none for the others.
[[gnu::always_inline]] inline Words KeepMask(Words mixed, uint32_t upper_key,
                                             uint32_t threshold) {
  Words hash = (mixed ^ (mixed >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  hash ^= upper_key;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  hash ^= hash >> 16;
  return __builtin_bit_cast(Words, hash >= threshold);
}

// A mask rather than a choice, as in ReluGrad. Two vectors at a time: a hash is
// one long chain, and cores in order would wait for each of its links.
void Dropout(const float* x, uint64_t key, int64_t first, int64_t count,
             uint32_t threshold, float scale, float* y) {
  constexpr uint32_t kStep = 0x9e3779b9u;
  constexpr int kVectors = 2;
  const auto upper_key = static_cast<uint32_t>(key >> 32);
  Words mixed[kVectors];
  for (uint32_t i = 0; i < kVectors * kLanes; ++i) {
    mixed[i / kLanes][i % kLanes] =
        (static_cast<uint32_t>(first) + i) * kStep + static_cast<uint32_t>(key);
  }
  int64_t i = 0;
  for (; i + kVectors * kLanes <= count; i += kVectors * kLanes) {
    for (int j = 0; j < kVectors; ++j) {
      const auto scaled =
          __builtin_bit_cast(Words, LoadAs<Vector>(x + i + j * kLanes) * scale);
      const Words kept = scaled & KeepMask(mixed[j], upper_key, threshold);
      StoreAs(y + i + j * kLanes, __builtin_bit_cast(Vector, kept));
      mixed[j] += kVectors * kLanes * kStep;
    }
  }
  for (; i < count; ++i) {
    y[i] = Keeps(key, first + i, threshold) ? scale * x[i] : 0.0f;
  }
}

constexpr ElementwiseKernels kElementwiseKernels = {
    .scale_u8 = ScaleU8,
    .add = Add,
    .add_scaled = AddScaled,
    .sum_of_squares = SumOfSquares,
    .leaky_relu = LeakyRelu,
    .relu_grad = ReluGrad,
    .relu6_grad = Relu6Grad,
    .leaky_relu_grad = LeakyReluGrad,
    .tanh_grad = TanhGrad,
    .sigmoid_grad = SigmoidGrad,
    .dropout = Dropout,
};
