#include "graph/padded_image.h"

#include <algorithm>

#include "graph/arithmetic.h"

namespace batchsweep {

PaddedImage::PaddedImage(const WindowGeometry& window) : window_(window) {
  const int64_t height = window.top + window.height + BottomPadding(window);
  const int64_t width = window.left + window.width + RightPadding(window);
  line_floats_ = width * window.channels;
  // Copying an image that needs no zeros would gain nothing, so the products
  // read it where it lies: that of a 1x1 convolution, say.
  const bool pads = height != window.height || width != window.width;
  floats_ = pads ? height * line_floats_ : 0;
}

void PaddedImage::Fill(const float* x, float* padded) const {
  const int64_t line = window_.width * window_.channels;
  // The zeros are written anew each time, since the memory is others' between
  // two passes.
  std::fill_n(padded, floats_, 0.0f);
  for (int64_t y = 0; y < window_.height; ++y) {
    std::copy_n(x + y * line, line,
                padded + (window_.top + y) * line_floats_ +
                    window_.left * window_.channels);
  }
}

// The order is that of the kernel's values, so that offset i belongs to row i
// of dW.
std::vector<int32_t> PaddedImage::TapOffsets() const {
  const int64_t dilated_line = window_.dilation_height * line_floats_;
  const int64_t dilated_pixel = window_.dilation_width * window_.channels;
  std::vector<int32_t> offsets;
  for (int64_t ky = 0; ky < window_.window_height; ++ky) {
    for (int64_t kx = 0; kx < window_.window_width; ++kx) {
      for (int64_t c = 0; c < window_.channels; ++c) {
        offsets.push_back(
            static_cast<int32_t>(ky * dilated_line + kx * dilated_pixel + c));
      }
    }
  }
  return offsets;
}

// With strides the windows' corners skip pixels: this is the only place where
// the product of the forward pass takes notice of strides.
std::vector<int32_t> PaddedImage::PixelOffsets() const {
  const int64_t line = window_.stride_height * line_floats_;
  const int64_t pixel = window_.stride_width * window_.channels;
  std::vector<int32_t> offsets;
  for (int64_t oy = 0; oy < window_.out_height; ++oy) {
    for (int64_t ox = 0; ox < window_.out_width; ++ox) {
      offsets.push_back(static_cast<int32_t>(oy * line + ox * pixel));
    }
  }
  return offsets;
}

}  // namespace batchsweep
