#include "graph/arithmetic.h"

#include <algorithm>

#include "util/check.h"

namespace batchsweep {
namespace {

// Rows whose sum a float holds well; more are summed in double. Fixed, so that
// threads make no difference.
constexpr int64_t kSumRows = 512;

// Elements of an elementwise operation that are worth handing to a thread.
constexpr int64_t kElementTile = 4096;

// Rows and columns of a product's tiles: threads are given whole ones.
constexpr int64_t kProductRows = 6;
constexpr int64_t kProductColumns = 16;

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

int64_t TileOf(int64_t size, int64_t least, const ThreadPool& pool) {
  if (pool.threads() == 1) return std::max<int64_t>(size, 1);
  return std::max<int64_t>(1, DivideUp(DivideUp(size, pool.threads()), least)) *
         least;
}

ProductSplit SplitOf(const MatrixProduct& product, const ThreadPool& pool) {
  const ProductSplit rows = {.by = ProductSplit::By::kRows,
                             .piece = TileOf(product.m, kProductRows, pool)};
  const ProductSplit columns = {
      .by = ProductSplit::By::kColumns,
      .piece = TileOf(product.n, kProductColumns, pool)};
  // The largest piece is what all wait for: a tenth more is worth it if less is
  // read by several threads, b where rows are split and a where columns are.
  const double of_rows = std::min(
      1.0, static_cast<double>(rows.piece) / static_cast<double>(product.m));
  const double of_columns = std::min(
      1.0, static_cast<double>(columns.piece) / static_cast<double>(product.n));
  if (product.m >= product.n)
    return of_rows <= 1.1 * of_columns ? rows : columns;
  return of_columns <= 1.1 * of_rows ? columns : rows;
}

void RunProduct(const MatrixProduct& product, const Kernels& kernels,
                ThreadPool& pool) {
  if (pool.threads() == 1) return kernels.matrix_product(product);
  const ProductSplit split = SplitOf(product, pool);
  switch (split.by) {
    case ProductSplit::By::kRows:
      return pool.ParallelFor(product.m, split.piece,
                              [&](int64_t begin, int64_t count) {
                                MatrixProduct part = product;
                                if (part.a_offsets != nullptr) {
                                  part.a_offsets += begin;
                                } else {
                                  part.a += begin;
                                }
                                part.c += begin * product.c_stride;
                                part.m = count;
                                kernels.matrix_product(part);
                              });
    case ProductSplit::By::kColumns:
      return pool.ParallelFor(product.n, split.piece,
                              [&](int64_t begin, int64_t count) {
                                MatrixProduct part = product;
                                part.b += begin;
                                part.c += begin;
                                if (part.bias != nullptr) part.bias += begin;
                                part.n = count;
                                kernels.matrix_product(part);
                              });
  }
}

xnn::Clamp ClampOf(Activation activation) {
  CHECK(activation == Activation::kLinear || ComputesActivation(activation));
  xnn::Clamp clamp;
  if (ComputesActivation(activation)) clamp.min = 0.0f;
  if (activation == Activation::kRelu6) clamp.max = 6.0f;
  return clamp;
}

void ActivationGrad(Activation activation, const float* y, int64_t count,
                    float* dy, const Kernels& kernels, ThreadPool& pool) {
  if (activation == Activation::kLinear) return;
  CHECK(activation == Activation::kRelu || activation == Activation::kRelu6);
  const auto grad =
      activation == Activation::kRelu ? kernels.relu_grad : kernels.relu6_grad;
  pool.ParallelFor(count, TileOf(count, kElementTile, pool),
                   [&](int64_t begin, int64_t size) {
                     grad(y + begin, dy + begin, size, dy + begin);
                   });
}

int64_t ColumnSumsFloats(int64_t rows, int64_t columns) {
  return DivideUp(rows, kSumRows) * columns;
}

void ColumnSums(const float* x, int64_t rows, int64_t columns, float* partial,
                float* sums, const Kernels& kernels, ThreadPool& pool) {
  if (rows <= kSumRows) return kernels.column_sums(x, rows, columns, sums);
  const int64_t blocks = DivideUp(rows, kSumRows);
  pool.ParallelFor(blocks, TileOf(blocks, 1, pool),
                   [&](int64_t begin, int64_t count) {
                     for (int64_t i = begin; i < begin + count; ++i) {
                       const int64_t first = i * kSumRows;
                       kernels.column_sums(x + first * columns,
                                           std::min(kSumRows, rows - first),
                                           columns, partial + i * columns);
                     }
                   });
  for (int64_t c = 0; c < columns; ++c) {
    double sum = 0.0;
    for (int64_t i = 0; i < blocks; ++i) {
      sum += static_cast<double>(partial[i * columns + c]);
    }
    sums[c] = static_cast<float>(sum);
  }
}

WindowGeometry GeometryOf(const SlidingWindow& window, const Shape& input,
                          const Shape& output) {
  WindowGeometry geometry{.height = input.dims[0],
                          .width = input.dims[1],
                          .channels = input.dims[2],
                          .out_height = output.dims[0],
                          .out_width = output.dims[1],
                          .window_height = window.size.height,
                          .window_width = window.size.width,
                          .stride_height = window.strides.height,
                          .stride_width = window.strides.width,
                          .dilation_height = window.dilation.height,
                          .dilation_width = window.dilation.width};
  if (window.padding == Padding::kSame) {
    // All zeros counted as behind the image, of which the smaller half is
    // before.
    geometry.top = BottomPadding(geometry) / 2;
    geometry.left = RightPadding(geometry) / 2;
  }
  return geometry;
}

int64_t BottomPadding(const WindowGeometry& w) {
  return std::max<int64_t>(0, (w.out_height - 1) * w.stride_height +
                                  (w.window_height - 1) * w.dilation_height +
                                  1 - w.height - w.top);
}

int64_t RightPadding(const WindowGeometry& w) {
  return std::max<int64_t>(0, (w.out_width - 1) * w.stride_width +
                                  (w.window_width - 1) * w.dilation_width + 1 -
                                  w.width - w.left);
}

}  // namespace batchsweep
