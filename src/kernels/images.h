// Pooling, one image at a time.
#ifndef BATCHSWEEP_KERNELS_IMAGES_H_
#define BATCHSWEEP_KERNELS_IMAGES_H_

#include <cstdint>

namespace batchsweep {

// The sizes of a window that glides over one image (H, W, C), and of what comes
// out, (OH, OW, ..).
struct WindowGeometry {
  int64_t height = 0, width = 0, channels = 0;  // of the image
  int64_t out_height = 0, out_width = 0;
  int64_t window_height = 1, window_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t top = 0, left = 0;  // zeros before the image; those behind it
                              // follow from the output's size
};

// Which gradients the gradient of a maximum lets through.
enum class PoolGradMask {
  kAll,
  kPositive,  // where y > 0 only, as if a ReLU stood in front
};

struct ImageKernels {
  // Pooling of one image (H, W, C) with zeros or nothing around it.
  // Maximum: of equal values the first in reading order wins; `winner` (OH, OW,
  // C) gets its place in the window, ky * window_width + kx.
  void (*max_pool)(const WindowGeometry& window, const float* x, float* y,
                   uint16_t* winner);
  // dx from dy, the winners and, to mask by, y. With kAll nothing depends on
  // y, unless it is -infinity or NaN, which pass nothing.
  void (*max_pool_grad)(const WindowGeometry& window, const float* y,
                        const float* dy, const uint16_t* winner,
                        PoolGradMask mask, float* dx);
  // Average of the values inside the image.
  void (*average_pool)(const WindowGeometry& window, const float* x, float* y);
  void (*average_pool_grad)(const WindowGeometry& window, const float* dy,
                            float* dx);
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_KERNELS_IMAGES_H_
