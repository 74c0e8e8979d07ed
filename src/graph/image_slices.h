// How many images go through a layer's operations together.
//
// A batch of images goes through in slices that stay in the second-level cache
// of every board, from the operation that writes them to the last that reads
// them, and whose memory is small. More would be written to memory and read
// back: at a batch of 128, the 26x26x32 outputs of the notebook's network are
// 11 MB.
#ifndef BATCHSWEEP_GRAPH_IMAGE_SLICES_H_
#define BATCHSWEEP_GRAPH_IMAGE_SLICES_H_

#include <algorithm>
#include <cstdint>

#include "graph/arithmetic.h"

namespace batchsweep {

inline constexpr int64_t kSliceBytes = 256 * 1024;  // for each thread

// Slices grow with the threads, up to this many: their memory is planned
// before it is known how many threads a layer gets.
inline constexpr int64_t kMaxSliceThreads = 4;

// `floats`: of the largest of an image's tensors that lie in the slice.
inline int64_t SliceImages(int64_t floats, int64_t batch, int64_t threads) {
  const int64_t images =
      std::max<int64_t>(1, kSliceBytes / (floats * kFloatBytes));
  return std::min(batch, images * std::min(threads, kMaxSliceThreads));
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_IMAGE_SLICES_H_
