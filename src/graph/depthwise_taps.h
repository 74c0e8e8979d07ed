// How the images of a depthwise convolution lie for its kernels, and where each
// tap reads in them.
//
// The kernels test for no edge, so that an image is copied to between the zeros
// that its taps read. The copy also deals with multipliers, so that the kernels
// need not know of them: forward, each channel is repeated for each of its
// outputs; backward, the outputs of each channel lie in planes of their own.
#ifndef BATCHSWEEP_GRAPH_DEPTHWISE_TAPS_H_
#define BATCHSWEEP_GRAPH_DEPTHWISE_TAPS_H_

#include <cstdint>
#include <vector>

#include "kernels/depthwise.h"
#include "kernels/images.h"

namespace batchsweep {

// In which order a forward pass takes the taps of a window. Its sums' last bits
// depend on it.
enum class TapOrder {
  kRows,     // line by line, as the kernel lies
  kColumns,  // column by column, as XNNPACK takes them
};

// x (H, W, C) as the taps of the window read it, for y and for the kernel's
// gradient.
class WindowTaps {
 public:
  WindowTaps(const WindowGeometry& window, int64_t multiplier, TapOrder order);

  // Floats of a copy; 0 where x can be read where it lies.
  int64_t floats() const { return floats_; }
  // Writes the zeros of a copy; they stay while images come and go.
  void Clear(float* copy) const;
  // Where to read x: itself, or `copy` with x filled in between its zeros.
  const float* Place(const float* x, float* copy) const;

  // The positions of the window over what Place() gave; y and dy are (OH, OW,
  // C * multiplier). REQUIRES: this lives as long as the pass.
  DepthwisePass PassOver(const float* placed) const;

 private:
  const WindowGeometry window_;
  const int64_t multiplier_;
  const int64_t out_channels_;
  const int64_t line_floats_;  // of what Place() gives
  int64_t floats_ = 0;
  std::vector<DepthwiseTap> taps_;
};

// dy (OH, OW, C * multiplier) as the taps of the window gave to it, for dx.
// Pixels of the same remainders by the strides form a phase: within one, all
// were read by the same taps, and dx is a depthwise convolution of dy without
// strides.
class GradientTaps {
 public:
  GradientTaps(const WindowGeometry& window, int64_t multiplier);

  // Floats of a copy of dy; never 0.
  int64_t floats() const { return multiplier_ * plane_floats(); }
  void Clear(float* copy) const;
  void Fill(const float* dy, float* copy) const;

  // Floats of the kernel (KH, KW, C, multiplier) arranged for the passes; 0
  // where it can be read where it lies.
  int64_t kernel_floats() const;
  void ArrangeKernel(const float* kernel, float* arranged) const;

  // One phase: what is read, and where in dx (H, W, C) its first pixel lies.
  struct Phase {
    std::vector<DepthwiseTap> taps;
    int64_t lines = 0, pixels = 0;
    int64_t first = 0;
  };
  const std::vector<Phase>& phases() const { return phases_; }
  // REQUIRES: this lives as long as the pass.
  DepthwisePass PassOver(const Phase& phase, const float* copy) const;

 private:
  // A phase along one axis. A place is the position of dy that the tap gave
  // from to the phase's first pixel; zeros before dy count.
  struct AxisTap {
    int64_t tap = 0;
    int64_t place = 0;
  };
  struct AxisPhase {
    int64_t first = 0;   // pixel
    int64_t pixels = 0;  // from there on, a stride apart
    std::vector<AxisTap> taps;
  };
  struct Axis {
    std::vector<AxisPhase> phases;
    int64_t margin = 0;  // zeros before dy
    int64_t extent = 0;  // of dy with the zeros around it
  };
  static Axis AxisOf(int64_t size, int64_t out, int64_t before, int64_t window,
                     int64_t stride, int64_t dilation);
  Phase PhaseOf(const AxisPhase& row, const AxisPhase& column) const;
  int64_t plane_floats() const { return rows_.extent * line_floats(); }
  int64_t line_floats() const { return columns_.extent * window_.channels; }

  const WindowGeometry window_;
  const int64_t multiplier_;
  const Axis rows_;
  const Axis columns_;
  std::vector<Phase> phases_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_DEPTHWISE_TAPS_H_
