// Bodies of columns.h; included by kernels-inl.h after matrix_product-inl.h,
// which says how wide a vector is.

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

void Affine(const float* x, const float* __restrict scale,
            const float* __restrict offset, int64_t rows, int64_t columns,
            float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = x + r * columns;
    float* to = y + r * columns;
    // y may be x, but no other overlap is allowed.
#pragma clang loop vectorize(assume_safety)
    for (int64_t c = 0; c < columns; ++c)
      to[c] = from[c] * scale[c] + offset[c];
  }
}

// Calls block(first column, std::integral_constant count) for all columns, so
// that a block's sums stay in registers.
template <class Block>
[[gnu::always_inline]] inline void ForEachBlock(int64_t columns,
                                                const Block& block) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= columns; c += 4 * kLanes) {
    block.template operator()<4 * kLanes>(c);
  }
  for (; c + kLanes <= columns; c += kLanes) {
    block.template operator()<kLanes>(c);
  }
  for (; c < columns; ++c) block.template operator()<1>(c);
}

// Values are taken relative to a shift, such as one of them: of values far from
// 0 the mean square less the squared mean would have hardly any right digits.
void ShiftedMoments(const float* __restrict x, const float* __restrict shift,
                    int64_t rows, int64_t columns, float* __restrict sums,
                    float* __restrict squares) {
  ForEachBlock(columns, [&]<int kCount>(int64_t first) {
    float sum[kCount] = {}, square[kCount] = {};
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < kCount; ++i) {
        const float value = x[r * columns + first + i] - shift[first + i];
        sum[i] += value;
        square[i] += value * value;
      }
    }
    for (int64_t i = 0; i < kCount; ++i) {
      sums[first + i] = sum[i];
      squares[first + i] = square[i];
    }
  });
}

void GradientMoments(const float* __restrict x, const float* __restrict dy,
                     const float* __restrict shift, int64_t rows,
                     int64_t columns, float* __restrict sums,
                     float* __restrict products) {
  ForEachBlock(columns, [&]<int kCount>(int64_t first) {
    float sum[kCount] = {}, product[kCount] = {};
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < kCount; ++i) {
        const int64_t at = r * columns + first + i;
        sum[i] += dy[at];
        product[i] += dy[at] * (x[at] - shift[first + i]);
      }
    }
    for (int64_t i = 0; i < kCount; ++i) {
      sums[first + i] = sum[i];
      products[first + i] = product[i];
    }
  });
}

void NormalizationGrad(const float* x, const float* dy,
                       const float* __restrict a, const float* __restrict b,
                       const float* __restrict d, int64_t rows, int64_t columns,
                       float* dx) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = r * columns;
    // dx may be dy, but no other overlap is allowed.
#pragma clang loop vectorize(assume_safety)
    for (int64_t c = 0; c < columns; ++c) {
      dx[row + c] = dy[row + c] * a[c] + x[row + c] * b[c] + d[c];
    }
  }
}

constexpr ColumnKernels kColumnKernels = {
    .column_sums = ColumnSums,
    .affine = Affine,
    .shifted_moments = ShiftedMoments,
    .gradient_moments = GradientMoments,
    .normalization_grad = NormalizationGrad,
};
