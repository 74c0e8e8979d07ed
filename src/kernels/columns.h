// Matrices of examples with a feature, or images with a channel, a column:
// biases and batch normalisation.
#ifndef BATCHSWEEP_KERNELS_COLUMNS_H_
#define BATCHSWEEP_KERNELS_COLUMNS_H_

#include <cstdint>

namespace batchsweep {

// What an activation leaves of x * scale[c] + offset[c]: no less than `low` and
// no more than `high`. NaN stays NaN.
struct ColumnScaling {
  const float* scale = nullptr;
  const float* offset = nullptr;
  float low = -__builtin_inff();
  float high = __builtin_inff();
};

struct ColumnKernels {
  // sums[c] = x[0][c] + x[1][c] + ..., in that order. x is (rows, columns).
  void (*column_sums)(const float* x, int64_t rows, int64_t columns,
                      float* sums);

  // y = scaling(x); y may be x.
  void (*affine)(const float* x, const ColumnScaling& scaling, int64_t rows,
                 int64_t columns, float* y);
  // sums[c] = sum of x[r][c] - shift[c], squares[c] = of their squares.
  void (*shifted_moments)(const float* x, const float* shift, int64_t rows,
                          int64_t columns, float* sums, float* squares);
  // sums[c] = sum of dy[r][c], products[c] = of dy[r][c] * (x[r][c] -
  // shift[c]). With a gate, dy counts only where the gate's low < x[r][c] *
  // scale[c] + offset[c] < high, that is where its activation let x through.
  // The gate may be null.
  void (*gradient_moments)(const float* x, const float* dy, const float* shift,
                           const ColumnScaling* gate, int64_t rows,
                           int64_t columns, float* sums, float* products);
  // totals[c] += partial[c]
  void (*add_to_totals)(const float* partial, int64_t columns, double* totals);
  // From the sums over `rows` rows that shifted_moments() makes, in place: the
  // means, and the variances, which are never below 0.
  void (*finish_moments)(const float* shift, double rows, int64_t columns,
                         double* sums_to_means, double* squares_to_variances);
  // inverse_deviations[c] = 1 / sqrt(variances[c] + epsilon)
  void (*inverse_deviations)(const double* variances, double epsilon,
                             int64_t columns, double* inverse_deviations);
  // dx[r][c] = dy[r][c] * a[c] + x[r][c] * b[c] + d[c], where dy counts as
  // above; dx may be dy.
  void (*normalization_grad)(const float* x, const float* dy, const float* a,
                             const float* b, const float* d,
                             const ColumnScaling* gate, int64_t rows,
                             int64_t columns, float* dx);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_COLUMNS_H_
