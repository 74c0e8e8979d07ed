#include "graph/strided_gradient.h"

#include <algorithm>

#include "graph/arithmetic.h"
#include "util/check.h"

namespace batchsweep {
namespace {

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Returns how many zeros stand before dy, so that the last tap of the first
// pixel finds some: no test for the edge is left in the products.
int64_t Margin(int64_t window, int64_t stride) {
  return CeilDiv(window, stride) - 1;
}

// Returns the extent of dy with zeros around it, up to what the last pixel's
// first tap reads.
int64_t PaddedExtent(int64_t size, int64_t before, int64_t window,
                     int64_t stride) {
  return Margin(window, stride) + (size - 1 + before) / stride + 1;
}

}  // namespace

std::vector<StridedInputGrad::Phase> StridedInputGrad::Phases(int64_t size,
                                                              int64_t before,
                                                              int64_t window,
                                                              int64_t stride) {
  std::vector<Phase> phases;
  for (int64_t remainder = 0; remainder < stride; ++remainder) {
    // The phase has the pixels q stride - before + remainder; those with a
    // smaller q than this lie in the padding, which needs no gradient.
    const int64_t q = CeilDiv(std::max<int64_t>(before - remainder, 0), stride);
    const int64_t first = q * stride - before + remainder;
    if (first >= size) continue;
    // A stride larger than the window leaves phases that no tap reads.
    const int64_t taps =
        remainder < window ? CeilDiv(window - remainder, stride) : 0;
    phases.push_back({.tap = remainder,
                      .taps = taps,
                      .first = first,
                      .pixels = CeilDiv(size - first, stride),
                      .first_line = Margin(window, stride) + q - (taps - 1)});
  }
  return phases;
}

StridedInputGrad::StridedInputGrad(const WindowGeometry& window,
                                   int64_t filters)
    : window_(window),
      filters_(filters),
      rows_(Phases(window.height, window.top, window.window_height,
                   window.stride_height)),
      columns_(Phases(window.width, window.left, window.window_width,
                      window.stride_width)),
      margin_height_(Margin(window.window_height, window.stride_height)),
      margin_width_(Margin(window.window_width, window.stride_width)),
      padded_height_(PaddedExtent(window.height, window.top,
                                  window.window_height, window.stride_height)),
      padded_width_(PaddedExtent(window.width, window.left, window.window_width,
                                 window.stride_width)) {
  // Dilation would spread a phase's taps over dy, where they lie side by side
  // now. The rule takes this body where there are strides, and a model that has
  // both is refused.
  CHECK(window.dilation_height == 1 && window.dilation_width == 1);
  const int64_t pixels = CeilDiv(window.width, window.stride_width);
  for (int64_t y = 0; y < LinesTogether(); ++y) {
    for (int64_t x = 0; x < pixels; ++x) {
      pixel_offsets_.push_back(
          static_cast<int32_t>((y * padded_width_ + x) * filters));
    }
  }
}

int64_t StridedInputGrad::LinesTogether() const {
  return window_.stride_height == 1 && window_.stride_width == 1
             ? window_.height
             : 1;
}

int64_t StridedInputGrad::kernel_floats() const {
  return window_.window_height * window_.window_width * window_.channels *
         filters_;
}

int64_t StridedInputGrad::padded_floats() const {
  return padded_height_ * padded_width_ * filters_;
}

void StridedInputGrad::ArrangeKernel(const float* kernel, float* arranged,
                                     ThreadPool& pool) const {
  const int64_t channels = window_.channels;
  for (const Phase& row : rows_) {
    for (const Phase& column : columns_) {
      // Taps are turned: the later a tap, the earlier the line of dy it meets.
      for (int64_t j = row.taps - 1; j >= 0; --j) {
        for (int64_t i = column.taps - 1; i >= 0; --i) {
          const int64_t ky = row.tap + j * window_.stride_height;
          const int64_t kx = column.tap + i * window_.stride_width;
          const float* tap =
              kernel + (ky * window_.window_width + kx) * channels * filters_;
          pool.ParallelFor(filters_, TileOf(filters_, 16, pool),
                           [&](int64_t begin, int64_t count) {
                             for (int64_t f = begin; f < begin + count; ++f) {
                               for (int64_t c = 0; c < channels; ++c) {
                                 arranged[f * channels + c] =
                                     tap[c * filters_ + f];
                               }
                             }
                           });
          arranged += channels * filters_;
        }
      }
    }
  }
}

void StridedInputGrad::Pad(const float* dy, float* padded) const {
  const int64_t padded_row = padded_width_ * filters_;
  std::fill_n(padded, padded_floats(), 0.0f);
  // Lines of dy whose windows saw nothing but zeros behind the image are left
  // out, since no pixel of dx depends on them.
  const int64_t lines =
      std::min(window_.out_height, padded_height_ - margin_height_);
  const int64_t line =
      std::min(window_.out_width, padded_width_ - margin_width_) * filters_;
  for (int64_t y = 0; y < lines; ++y) {
    std::copy_n(
        dy + y * window_.out_width * filters_, line,
        padded + (margin_height_ + y) * padded_row + margin_width_ * filters_);
  }
}

void StridedInputGrad::RunPhase(const Phase& row, const Phase& column,
                                const float* arranged, const float* padded,
                                float* dx, const Kernels& kernels) const {
  const int64_t channels = window_.channels;
  const int64_t padded_row = padded_width_ * filters_;
  const int64_t stride = window_.stride_width * channels;
  for (int64_t y = 0; y < row.pixels; y += LinesTogether()) {
    const int64_t line = row.first + y * window_.stride_height;
    float* pixels = dx + (line * window_.width + column.first) * channels;
    // No window reads the pixels between two windows, so their gradient is 0.
    if (row.taps == 0 || column.taps == 0) {
      for (int64_t x = 0; x < column.pixels; ++x) {
        std::fill_n(pixels + x * stride, channels, 0.0f);
      }
      continue;
    }
    // A band is a line of taps, which lie side by side in a line of dy, and its
    // result goes to every stride-th pixel: c's rows are that far apart.
    kernels.matrix_product({.a = padded + (row.first_line + y) * padded_row +
                                 column.first_line * filters_,
                            .a_stride = 1,
                            .a_band_stride = padded_row,
                            .a_offsets = pixel_offsets_.data(),
                            .b = arranged,
                            .b_stride = channels,
                            .b_band_stride = column.taps * filters_ * channels,
                            .bands = row.taps,
                            .rows = column.taps * filters_,
                            .m = LinesTogether() * column.pixels,
                            .n = channels,
                            .c = pixels,
                            .c_stride = stride});
  }
}

void StridedInputGrad::Run(const float* dy, const float* arranged,
                           float* padded, float* dx,
                           const Kernels& kernels) const {
  Pad(dy, padded);
  for (const Phase& row : rows_) {
    for (const Phase& column : columns_) {
      RunPhase(row, column, arranged, padded, dx, kernels);
      arranged += row.taps * column.taps * window_.channels * filters_;
    }
  }
}

}  // namespace batchsweep
