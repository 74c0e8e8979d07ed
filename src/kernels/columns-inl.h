// Bodies of columns.h; included by kernels-inl.h after matrix_product-inl.h,
// which says how wide a vector is.

// Vectors of columns that go through rows together: their sums and
// coefficients have to stay in registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kColumnVectors = 4;
#else
constexpr int kColumnVectors = 2;
#endif

#include "kernels/column_sums-inl.h"

// Calls block<V, kVectors>(first column) for blocks of kVectors vectors V that
// together cover each column once.
template <class Block>
[[gnu::always_inline]] inline void ForEachBlock(int64_t columns,
                                                const Block& block) {
  constexpr int64_t kWidest = kColumnVectors * kLanes;
  int64_t c = 0;
  for (; c + kWidest <= columns; c += kWidest) {
    block.template operator()<VectorOf<kLanes>::Type, kColumnVectors>(c);
  }
  ForEachVector(
      columns,
      [&]<class V>(int64_t at) { block.template operator()<V, 1>(at); }, c);
}

// The same for strips of rows, which stay in the first-level cache while the
// blocks of columns pass: 8 KiB. Calls block<V, kVectors>(first row, rows,
// first column).
template <class Block>
[[gnu::always_inline]] inline void ForEachStrip(int64_t rows, int64_t columns,
                                                const Block& block) {
  constexpr int64_t kStripFloats = 2048;
  const int64_t fit = kStripFloats / (columns > 0 ? columns : 1);
  const int64_t strip = fit > 0 ? fit : 1;
  for (int64_t first = 0; first < rows; first += strip) {
    const int64_t count = first + strip < rows ? strip : rows - first;
    ForEachBlock(columns, [&]<class V, int kVectors>(int64_t c) {
      block.template operator()<V, kVectors>(first, count, c);
    });
  }
}

// kVectors vectors of a row, from `p` on.
template <class V, int kVectors>
struct RowPart {
  V v[kVectors];

  explicit RowPart(const float* p) {
    for (int j = 0; j < kVectors; ++j) v[j] = LoadAs<V>(p + j * kWidth);
  }
  void StoreTo(float* p) const {
    for (int j = 0; j < kVectors; ++j) StoreAs(p + j * kWidth, v[j]);
  }

 private:
  static constexpr int64_t kWidth = sizeof(V) / sizeof(float);
};

void Affine(const float* x, const ColumnScaling& scaling, int64_t rows,
            int64_t columns, float* y) {
  const float low = scaling.low, high = scaling.high;
  ForEachStrip(
      rows, columns,
      [&]<class V, int kVectors>(int64_t first, int64_t count, int64_t c) {
        const RowPart<V, kVectors> a(scaling.scale + c), b(scaling.offset + c);
        for (int64_t r = first; r < first + count; ++r) {
          RowPart<V, kVectors> row(x + r * columns + c);
          for (int j = 0; j < kVectors; ++j) {
            const V scaled = row.v[j] * a.v[j] + b.v[j];
            const V above = scaled < low ? V{} + low : scaled;
            row.v[j] = above > high ? V{} + high : above;
          }
          row.StoreTo(y + r * columns + c);
        }
      });
}

// The gate of a block of columns.
template <bool kGated, class V, int kVectors>
struct GatePart {
  explicit GatePart(const ColumnScaling*, int64_t) {}
  V Through(int, const V&, const V& dy) const { return dy; }
};

// It scales x by the same instructions as the way forward did, so that both
// see the same value.
template <class V, int kVectors>
struct GatePart<true, V, kVectors> {
  RowPart<V, kVectors> scale, offset;
  float low, high;

  GatePart(const ColumnScaling* gate, int64_t c)
      : scale(gate->scale + c),
        offset(gate->offset + c),
        low(gate->low),
        high(gate->high) {}
  V Through(int j, const V& x, const V& dy) const {
    const V scaled = x * scale.v[j] + offset.v[j];
    const auto passes = (scaled > low) & (scaled < high);
    return __builtin_bit_cast(
        V, __builtin_bit_cast(decltype(passes), dy) & passes);
  }
};

// Two sums over rows for each column of a block, from what term(row, vector)
// adds to each. A lone vector would wait for its own last sum at each row, so
// it has kChains sums of every kChains-th row, which are added up at the end.
template <class V, int kVectors, class Term>
[[gnu::always_inline]] inline void SumRows(int64_t rows, const Term& term,
                                           float* sums, float* others) {
  constexpr int kChains = kVectors == 1 ? 4 : 1;
  V sum[kChains][kVectors] = {}, other[kChains][kVectors] = {};
  int64_t r = 0;
  for (; r + kChains <= rows; r += kChains) {
    for (int i = 0; i < kChains; ++i) {
      for (int j = 0; j < kVectors; ++j) {
        term(r + i, j, sum[i][j], other[i][j]);
      }
    }
  }
  for (; r < rows; ++r) term(r, 0, sum[0][0], other[0][0]);
  for (int j = 0; j < kVectors; ++j) {
    for (int i = 1; i < kChains; ++i) {
      sum[0][j] += sum[i][j];
      other[0][j] += other[i][j];
    }
    constexpr int64_t kWidth = sizeof(V) / sizeof(float);
    StoreAs(sums + j * kWidth, sum[0][j]);
    StoreAs(others + j * kWidth, other[0][j]);
  }
}

// Values are taken relative to a shift, such as one of them: of values far from
// 0 the mean square less the squared mean would have hardly any right digits.
void ShiftedMoments(const float* x, const float* shift, int64_t rows,
                    int64_t columns, float* sums, float* squares) {
  ForEachBlock(columns, [&]<class V, int kVectors>(int64_t c) {
    constexpr int64_t kWidth = sizeof(V) / sizeof(float);
    const RowPart<V, kVectors> own_shift(shift + c);
    SumRows<V, kVectors>(
        rows,
        [&](int64_t r, int j, V& sum, V& square) {
          const V value =
              LoadAs<V>(x + r * columns + c + j * kWidth) - own_shift.v[j];
          sum += value;
          square += value * value;
        },
        sums + c, squares + c);
  });
}

template <bool kGated>
void GradientMomentsOf(const float* x, const float* dy, const float* shift,
                       const ColumnScaling* gate, int64_t rows, int64_t columns,
                       float* sums, float* products) {
  ForEachBlock(columns, [&]<class V, int kVectors>(int64_t c) {
    constexpr int64_t kWidth = sizeof(V) / sizeof(float);
    const RowPart<V, kVectors> own_shift(shift + c);
    const GatePart<kGated, V, kVectors> own_gate(gate, c);
    SumRows<V, kVectors>(
        rows,
        [&](int64_t r, int j, V& sum, V& product) {
          const int64_t at = r * columns + c + j * kWidth;
          const V value = LoadAs<V>(x + at);
          const V gradient = own_gate.Through(j, value, LoadAs<V>(dy + at));
          sum += gradient;
          product += gradient * (value - own_shift.v[j]);
        },
        sums + c, products + c);
  });
}

void GradientMoments(const float* x, const float* dy, const float* shift,
                     const ColumnScaling* gate, int64_t rows, int64_t columns,
                     float* sums, float* products) {
  const auto moments =
      gate == nullptr ? GradientMomentsOf<false> : GradientMomentsOf<true>;
  moments(x, dy, shift, gate, rows, columns, sums, products);
}

void AddToTotals(const float* __restrict partial, int64_t columns,
                 double* __restrict totals) {
  for (int64_t c = 0; c < columns; ++c) {
    totals[c] += static_cast<double>(partial[c]);
  }
}

void FinishMoments(const float* __restrict shift, double rows, int64_t columns,
                   double* __restrict sums_to_means,
                   double* __restrict squares_to_variances) {
  for (int64_t c = 0; c < columns; ++c) {
    const double shifted = sums_to_means[c] / rows;
    const double variance = squares_to_variances[c] / rows - shifted * shifted;
    sums_to_means[c] = static_cast<double>(shift[c]) + shifted;
    squares_to_variances[c] = variance < 0.0 ? 0.0 : variance;
  }
}

void InverseDeviations(const double* __restrict variances, double epsilon,
                       int64_t columns, double* __restrict inverse) {
  for (int64_t c = 0; c < columns; ++c) {
    inverse[c] = 1.0 / __builtin_sqrt(variances[c] + epsilon);
  }
}

template <bool kGated>
void NormalizationGradOf(const float* x, const float* dy, const float* a,
                         const float* b, const float* d,
                         const ColumnScaling* gate, int64_t rows,
                         int64_t columns, float* dx) {
  ForEachStrip(
      rows, columns,
      [&]<class V, int kVectors>(int64_t first, int64_t count, int64_t c) {
        const RowPart<V, kVectors> by_dy(a + c), by_x(b + c), constant(d + c);
        const GatePart<kGated, V, kVectors> own_gate(gate, c);
        for (int64_t r = first; r < first + count; ++r) {
          const int64_t at = r * columns + c;
          const RowPart<V, kVectors> value(x + at);
          RowPart<V, kVectors> row(dy + at);
          for (int j = 0; j < kVectors; ++j) {
            row.v[j] = own_gate.Through(j, value.v[j], row.v[j]) * by_dy.v[j] +
                       value.v[j] * by_x.v[j] + constant.v[j];
          }
          row.StoreTo(dx + at);
        }
      });
}

void NormalizationGrad(const float* x, const float* dy, const float* a,
                       const float* b, const float* d,
                       const ColumnScaling* gate, int64_t rows, int64_t columns,
                       float* dx) {
  const auto grad =
      gate == nullptr ? NormalizationGradOf<false> : NormalizationGradOf<true>;
  grad(x, dy, a, b, d, gate, rows, columns, dx);
}

constexpr ColumnKernels kColumnKernels = {
    .column_sums = ColumnSums,
    .affine = Affine,
    .shifted_moments = ShiftedMoments,
    .gradient_moments = GradientMoments,
    .add_to_totals = AddToTotals,
    .finish_moments = FinishMoments,
    .inverse_deviations = InverseDeviations,
    .normalization_grad = NormalizationGrad,
};
