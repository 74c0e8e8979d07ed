#include "graph/depthwise_taps.h"

#include <algorithm>

#include "graph/arithmetic.h"

namespace batchsweep {

WindowTaps::WindowTaps(const WindowGeometry& window, int64_t multiplier,
                       TapOrder order)
    : window_(window),
      multiplier_(multiplier),
      out_channels_(window.channels * multiplier),
      line_floats_((window.left + window.width + RightPadding(window)) *
                   out_channels_) {
  const int64_t height = window.top + window.height + BottomPadding(window);
  const bool copies = multiplier > 1 || height != window.height ||
                      line_floats_ != window.width * window.channels;
  if (copies) floats_ = height * line_floats_;
  for (int64_t ky = 0; ky < window.window_height; ++ky) {
    for (int64_t kx = 0; kx < window.window_width; ++kx) {
      taps_.push_back(
          {.place = ky * window.dilation_height * line_floats_ +
                    kx * window.dilation_width * out_channels_,
           .weights = (ky * window.window_width + kx) * out_channels_});
    }
  }
  if (order == TapOrder::kRows) return;
  const auto column = [&](const DepthwiseTap& tap) {
    return tap.weights / out_channels_ % window.window_width;
  };
  std::ranges::stable_sort(taps_, {}, column);
}

void WindowTaps::Clear(float* copy) const { std::fill_n(copy, floats_, 0.0f); }

const float* WindowTaps::Place(const float* x, float* copy) const {
  if (floats_ == 0) return x;
  const int64_t line = window_.width * window_.channels;
  for (int64_t y = 0; y < window_.height; ++y) {
    const float* from = x + y * line;
    float* to =
        copy + (window_.top + y) * line_floats_ + window_.left * out_channels_;
    if (multiplier_ == 1) {
      std::copy_n(from, line, to);
      continue;
    }
    for (int64_t i = 0; i < line; ++i) {
      to = std::fill_n(to, multiplier_, from[i]);
    }
  }
  return copy;
}

DepthwisePass WindowTaps::PassOver(const float* placed) const {
  return {.lines = window_.out_height,
          .pixels = window_.out_width,
          .channels = out_channels_,
          .taps = taps_.data(),
          .tap_count = std::ssize(taps_),
          .x = placed,
          .x_line = window_.stride_height * line_floats_,
          .x_pixel = window_.stride_width * out_channels_,
          .y_line = window_.out_width * out_channels_,
          .y_pixel = out_channels_};
}

// Output o reads pixel o * stride - before + tap * dilation, so that pixel p
// has a gradient from o = (p + before - tap * dilation) / stride, if that is a
// whole number: for all pixels of a phase or for none.
GradientTaps::Axis GradientTaps::AxisOf(int64_t size, int64_t out,
                                        int64_t before, int64_t window,
                                        int64_t stride, int64_t dilation) {
  Axis axis;
  int64_t last = out - 1;  // position of dy that is read
  for (int64_t first = 0; first < std::min(size, stride); ++first) {
    AxisPhase phase{.first = first,
                    .pixels = (size - first + stride - 1) / stride,
                    .taps = {}};
    // The last tap reads the first position: sums go through dy in the order in
    // which it lies.
    for (int64_t tap = window - 1; tap >= 0; --tap) {
      const int64_t shift = first + before - tap * dilation;
      if (shift % stride != 0) continue;
      const int64_t place = shift / stride;
      axis.margin = std::max(axis.margin, -place);
      last = std::max(last, place + phase.pixels - 1);
      phase.taps.push_back({.tap = tap, .place = place});
    }
    axis.phases.push_back(std::move(phase));
  }
  for (AxisPhase& phase : axis.phases) {
    for (AxisTap& tap : phase.taps) tap.place += axis.margin;
  }
  axis.extent = axis.margin + last + 1;
  return axis;
}

GradientTaps::GradientTaps(const WindowGeometry& w, int64_t multiplier)
    : window_(w),
      multiplier_(multiplier),
      rows_(AxisOf(w.height, w.out_height, w.top, w.window_height,
                   w.stride_height, w.dilation_height)),
      columns_(AxisOf(w.width, w.out_width, w.left, w.window_width,
                      w.stride_width, w.dilation_width)) {
  for (const AxisPhase& row : rows_.phases) {
    for (const AxisPhase& column : columns_.phases) {
      phases_.push_back(PhaseOf(row, column));
    }
  }
}

GradientTaps::Phase GradientTaps::PhaseOf(const AxisPhase& row,
                                          const AxisPhase& column) const {
  Phase phase{
      .taps = {},
      .lines = row.pixels,
      .pixels = column.pixels,
      .first = (row.first * window_.width + column.first) * window_.channels};
  for (const AxisTap& y : row.taps) {
    for (const AxisTap& x : column.taps) {
      for (int64_t plane = 0; plane < multiplier_; ++plane) {
        const int64_t tap = y.tap * window_.window_width + x.tap;
        phase.taps.push_back(
            {.place = plane * plane_floats() + y.place * line_floats() +
                      x.place * window_.channels,
             .weights = (tap * multiplier_ + plane) * window_.channels});
      }
    }
  }
  return phase;
}

void GradientTaps::Clear(float* copy) const {
  std::fill_n(copy, floats(), 0.0f);
}

void GradientTaps::Fill(const float* dy, float* copy) const {
  const int64_t line = window_.out_width * window_.channels;
  for (int64_t y = 0; y < window_.out_height; ++y) {
    const float* from = dy + y * line * multiplier_;
    float* to = copy + (rows_.margin + y) * line_floats() +
                columns_.margin * window_.channels;
    if (multiplier_ == 1) {
      std::copy_n(from, line, to);
      continue;
    }
    for (int64_t plane = 0; plane < multiplier_; ++plane) {
      for (int64_t i = 0; i < line; ++i) {
        to[plane * plane_floats() + i] = from[i * multiplier_ + plane];
      }
    }
  }
}

int64_t GradientTaps::kernel_floats() const {
  if (multiplier_ == 1) return 0;
  return window_.window_height * window_.window_width * window_.channels *
         multiplier_;
}

// (KH, KW, C, multiplier) to (KH, KW, multiplier, C)
void GradientTaps::ArrangeKernel(const float* kernel, float* arranged) const {
  const int64_t row = window_.channels * multiplier_;
  for (int64_t first = 0; first < kernel_floats(); first += row) {
    for (int64_t i = 0; i < row; ++i) {
      arranged[first + i % multiplier_ * window_.channels + i / multiplier_] =
          kernel[first + i];
    }
  }
}

DepthwisePass GradientTaps::PassOver(const Phase& phase,
                                     const float* copy) const {
  return {.lines = phase.lines,
          .pixels = phase.pixels,
          .channels = window_.channels,
          .taps = phase.taps.data(),
          .tap_count = std::ssize(phase.taps),
          .x = copy,
          .x_line = line_floats(),
          .x_pixel = window_.channels,
          .y_line = window_.stride_height * window_.width * window_.channels,
          .y_pixel = window_.stride_width * window_.channels};
}

}  // namespace batchsweep
