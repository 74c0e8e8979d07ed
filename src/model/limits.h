// How large one example may be anywhere in a model.
#ifndef BATCHSWEEP_MODEL_LIMITS_H_
#define BATCHSWEEP_MODEL_LIMITS_H_

#include <cstdint>

#include "util/shape.h"

namespace batchsweep {

// The most values one example may have in front of or behind a layer: those of
// a 4096 x 4096 image. Within it shapes multiply without overflow.
inline constexpr int64_t kMaxWidth = int64_t{1} << 24;

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
