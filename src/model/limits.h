// How large a model may be: what is larger is refused before any work goes into
// it, and what is not has sizes whose products fit 64 bits.
#ifndef BATCHSWEEP_MODEL_LIMITS_H_
#define BATCHSWEEP_MODEL_LIMITS_H_

#include <cstdint>

#include "util/shape.h"

namespace batchsweep {

// The most values one example may have in front of or behind a layer: those of
// a 4096 x 4096 image. Within it shapes multiply without overflow.
inline constexpr int64_t kMaxWidth = int64_t{1} << 24;

// The most layers, and the longest JSON that may describe them, in bytes:
// several times the largest models that people train. Lists within lists go no
// deeper than Keras writes them by far.
inline constexpr int64_t kMaxLayers = 10'000;
inline constexpr int64_t kMaxJsonBytes = 16 * 1024 * 1024;
inline constexpr int64_t kMaxJsonDepth = 100;

// The most of a window's size, strides and dilation, and of zeros around an
// image, along an axis.
inline constexpr int64_t kMaxExtent = 4096;

// The most values that a window reads of one channel in going over one image.
// XNNPACK keeps a pointer for each: 2 GiB of them.
inline constexpr int64_t kMaxWindowReads = int64_t{1} << 28;

// The most values of one weight tensor: those of a larger one could not be
// numbered by 32 bits, nor addressed on a 32-bit board.
inline constexpr int64_t kMaxTensorValues = (int64_t{1} << 31) - 1;

// Whether there are dimensions, each at least 1, and their product at most
// kMaxWidth.
inline bool IsShape(const Shape& shape) {
  if (shape.dims.empty()) return false;
  int64_t width = 1;
  for (const int64_t dim : shape.dims) {
    if (dim < 1 || dim > kMaxWidth / width) return false;
    width *= dim;
  }
  return true;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LIMITS_H_
