// PaddedImage is an image of a convolution as our products read it: with the
// zeros around it that the window reads.
#ifndef BATCHSWEEP_GRAPH_PADDED_IMAGE_H_
#define BATCHSWEEP_GRAPH_PADDED_IMAGE_H_

#include <cstdint>
#include <vector>

#include "kernels/images.h"

namespace batchsweep {

class PaddedImage {
 public:
  explicit PaddedImage(const WindowGeometry& window);

  // Floats of an image with its zeros; 0 where the window reads none, so that
  // the image itself will do.
  int64_t floats() const { return floats_; }
  // Floats of one of its lines, padded or not.
  int64_t line_floats() const { return line_floats_; }

  // padded (padded H, padded W, C) from x (H, W, C). REQUIRES: floats() > 0.
  void Fill(const float* x, float* padded) const;

  // Where each value of the kernel (KH, KW, C) reads, from a window's corner.
  std::vector<int32_t> TapOffsets() const;
  // The window's corners, for each pixel (OH, OW) of the output.
  std::vector<int32_t> PixelOffsets() const;

 private:
  const WindowGeometry window_;
  int64_t line_floats_ = 0;
  int64_t floats_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_PADDED_IMAGE_H_
