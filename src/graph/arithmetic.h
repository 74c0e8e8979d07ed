// What several layers do to their tensors, on the threads of a pool. Results do
// not depend on the number of threads.
#ifndef BATCHSWEEP_GRAPH_ARITHMETIC_H_
#define BATCHSWEEP_GRAPH_ARITHMETIC_H_

#include <cstdint>

#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "model/sliding_window.h"
#include "xnn/thread_pool.h"
#include "xnn/weighted_operator.h"

namespace batchsweep {

inline constexpr int64_t kFloatBytes = sizeof(float);

// The pieces of `size` that the pool's threads take: one each, but not smaller
// than `least`, and a multiple of it.
int64_t TileOf(int64_t size, int64_t least, const ThreadPool& pool);

// body(i) for each of `count` examples, each thread taking some in a row.
template <class Body>
void ForEachExample(ThreadPool& pool, int64_t count, const Body& body) {
  pool.ParallelFor(count, TileOf(count, 1, pool),
                   [&](int64_t begin, int64_t examples) {
                     for (int64_t i = begin; i < begin + examples; ++i) body(i);
                   });
}

// How a product is shared out to threads.
struct ProductSplit {
  enum class By { kRows, kColumns };  // of c
  By by = By::kRows;
  int64_t piece = 0;  // so many for each thread
};

// The split whose largest piece is the smallest; of two that are about equal,
// the one with which threads read less of the same.
ProductSplit SplitOf(const MatrixProduct& product, const ThreadPool& pool);

// The product, split so; any split gives the same bits.
void RunProduct(const MatrixProduct& product, const Kernels& kernels,
                ThreadPool& pool);

// Whether a layer with weights computes this activation itself.
inline bool ComputesActivation(Activation activation) {
  return activation == Activation::kRelu || activation == Activation::kRelu6;
}

// The part of `activation` that a layer with weights computes; linear where the
// activation is a layer of its own.
inline Activation ComputedActivation(Activation activation) {
  return ComputesActivation(activation) ? activation : Activation::kLinear;
}

// The limits that such an activation keeps what is computed in; none if linear.
// REQUIRES: the activation is linear, relu or relu6.
xnn::Clamp ClampOf(Activation activation);

// dy *= the activation's gradient, from its output.
// REQUIRES: the activation is linear, relu or relu6.
void ActivationGrad(Activation activation, const float* y, int64_t count,
                    float* dy, const Kernels& kernels, ThreadPool& pool);

// sums (columns) of x (rows, columns) in float over blocks of rows and in
// double over blocks. `partial` has room for ColumnSumsFloats().
int64_t ColumnSumsFloats(int64_t rows, int64_t columns);
void ColumnSums(const float* x, int64_t rows, int64_t columns, float* partial,
                float* sums, const Kernels& kernels, ThreadPool& pool);

// What `window` means on images (H, W, C) with outputs (OH, OW, ..).
WindowGeometry GeometryOf(const SlidingWindow& window, const Shape& input,
                          const Shape& output);

// Zeros behind and below the image that the window reads.
int64_t BottomPadding(const WindowGeometry& window);
int64_t RightPadding(const WindowGeometry& window);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_ARITHMETIC_H_
