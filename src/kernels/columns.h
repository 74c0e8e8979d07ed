// Matrices of examples with a feature, or images with a channel, a column:
// biases and batch normalisation.
#ifndef BATCHSWEEP_KERNELS_COLUMNS_H_
#define BATCHSWEEP_KERNELS_COLUMNS_H_

#include <cstdint>

namespace batchsweep {

struct ColumnKernels {
  // sums[c] = x[0][c] + x[1][c] + ..., in that order. x is (rows, columns).
  void (*column_sums)(const float* x, int64_t rows, int64_t columns,
                      float* sums);

  // y[r][c] = x[r][c] * scale[c] + offset[c]; y may be x.
  void (*affine)(const float* x, const float* scale, const float* offset,
                 int64_t rows, int64_t columns, float* y);
  // sums[c] = sum of x[r][c] - shift[c], squares[c] = of their squares.
  void (*shifted_moments)(const float* x, const float* shift, int64_t rows,
                          int64_t columns, float* sums, float* squares);
  // sums[c] = sum of dy[r][c], products[c] = of dy[r][c] * (x[r][c] -
  // shift[c]).
  void (*gradient_moments)(const float* x, const float* dy, const float* shift,
                           int64_t rows, int64_t columns, float* sums,
                           float* products);
  // dx[r][c] = dy[r][c] * a[c] + x[r][c] * b[c] + d[c]; dx may be dy.
  void (*normalization_grad)(const float* x, const float* dy, const float* a,
                             const float* b, const float* d, int64_t rows,
                             int64_t columns, float* dx);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_COLUMNS_H_
