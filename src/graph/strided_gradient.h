// StridedInputGrad computes dx of a convolution with strides.
#ifndef BATCHSWEEP_GRAPH_STRIDED_GRADIENT_H_
#define BATCHSWEEP_GRAPH_STRIDED_GRADIENT_H_

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// With strides (s, t), pixel (y, x) was read only by the kernel's taps
// ky = (y + top) mod s + j s and kx = (x + left) mod t + i t. Pixels of the
// same remainders form a phase, and within one dx is a convolution of dy
// without strides: a matrix product for each line of pixels. Without strides
// there is one phase, and one product.
//
// XNNPACK's deconvolution does the same, but takes its tile from the number of
// images, one row for a single one, and asks the heap anew when that changes.
class StridedInputGrad {
 public:
  // REQUIRES: no dilation.
  StridedInputGrad(const WindowGeometry& window, int64_t filters);

  // Floats that ArrangeKernel() and, for each image, Run() need.
  int64_t kernel_floats() const;
  int64_t padded_floats() const;

  // The kernel (KH, KW, C, F) by phases, their taps turned, each (F, C).
  void ArrangeKernel(const float* kernel, float* arranged,
                     ThreadPool& pool) const;

  // dx (H, W, C) of one image from dy (OH, OW, F); writes every pixel. `padded`
  // is scratch.
  void Run(const float* dy, const float* arranged, float* padded, float* dx,
           const Kernels& kernels) const;

 private:
  // A phase has the taps and pixels of one remainder along one axis.
  struct Phase {
    int64_t tap = 0;         // the first
    int64_t taps = 0;        // from there on, a stride apart; may be none
    int64_t first = 0;       // pixel
    int64_t pixels = 0;      // from there on, a stride apart
    int64_t first_line = 0;  // of padded dy, that tap `taps - 1` of the first
                             // pixel reads
  };
  static std::vector<Phase> Phases(int64_t size, int64_t before, int64_t window,
                                   int64_t stride);

  // Lines of a phase's pixels that one product computes: all where they follow
  // one another in dx, since products with many rows waste the fewest.
  int64_t LinesTogether() const;
  // Copies dy to between its margins of zeros.
  void Pad(const float* dy, float* padded) const;
  // Computes the pixels of dx of one remainder along each axis; `arranged` has
  // their taps.
  void RunPhase(const Phase& row, const Phase& column, const float* arranged,
                const float* padded, float* dx, const Kernels& kernels) const;

  const WindowGeometry window_;
  const int64_t filters_;
  const std::vector<Phase> rows_;
  const std::vector<Phase> columns_;
  // These say where dy's first pixel lies, and the extent with zeros around.
  const int64_t margin_height_;
  const int64_t margin_width_;
  const int64_t padded_height_;
  const int64_t padded_width_;
  std::vector<int32_t> pixel_offsets_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_STRIDED_GRADIENT_H_
