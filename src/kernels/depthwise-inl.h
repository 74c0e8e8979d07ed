// The gradients of depthwise convolutions; included by images-inl.h, which has
// the positions of windows.

// kVectors vectors of channels: dkernel += the sum over pixels of x times dy,
// whose pixels are x_step and dy_step floats apart.
template <int kVectors>
[[gnu::always_inline]] inline void DepthwiseRow(const float* x, int64_t x_step,
                                                const float* dy,
                                                int64_t dy_step, int64_t pixels,
                                                float* dkernel) {
  Vector sums[kVectors];
  for (int j = 0; j < kVectors; ++j) sums[j] = Load(dkernel + j * kLanes);
  for (int64_t i = 0; i < pixels; ++i) {
    for (int j = 0; j < kVectors; ++j) {
      sums[j] += Load(x + j * kLanes) * Load(dy + j * kLanes);
    }
    x += x_step;
    dy += dy_step;
  }
  for (int j = 0; j < kVectors; ++j) Store(dkernel + j * kLanes, sums[j]);
}

// The positions whose tap `tap` is inside, along one axis: [first, last).
struct Positions {
  int64_t first;
  int64_t last;
};

inline Positions PositionsOf(int64_t tap, int64_t stride, int64_t before,
                             int64_t dilation, int64_t size, int64_t out) {
  const int64_t shift = tap * dilation - before;  // read at o * stride + shift
  int64_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  int64_t last = size - shift > 0 ? (size - shift + stride - 1) / stride : 0;
  last = last < out ? last : out;
  first = first < last ? first : last;
  return {first, last};
}

// Adds to the gradient of one tap what a line of `pixels` positions gives: x
// from where the tap reads first, its pixels x_step floats apart, and dy.
inline void AddTapGrad(const WindowGeometry& w, int64_t multiplier,
                       const float* x, const float* dy, int64_t pixels,
                       float* grad) {
  const int64_t out_channels = w.channels * multiplier;
  const int64_t x_step = w.stride_width * w.channels;
  int64_t c = 0;
  if (multiplier == 1) {
    for (; c + 4 * kLanes <= w.channels; c += 4 * kLanes) {
      DepthwiseRow<4>(x + c, x_step, dy + c, out_channels, pixels, grad + c);
    }
    for (; c + kLanes <= w.channels; c += kLanes) {
      DepthwiseRow<1>(x + c, x_step, dy + c, out_channels, pixels, grad + c);
    }
  }
  for (int64_t i = 0; i < pixels; ++i) {
    for (int64_t o = c * multiplier; o < out_channels; ++o) {
      grad[o] += x[i * x_step + o / multiplier] * dy[i * out_channels + o];
    }
  }
}

void DepthwiseKernelGrad(const WindowGeometry& w, int64_t multiplier,
                         const float* x, const float* dy, float* dkernel) {
  const int64_t out_channels = w.channels * multiplier;
  for (int64_t ky = 0; ky < w.window_height; ++ky) {
    const Positions ys = PositionsOf(ky, w.stride_height, w.top,
                                     w.dilation_height, w.height, w.out_height);
    for (int64_t kx = 0; kx < w.window_width; ++kx) {
      const Positions xs = PositionsOf(kx, w.stride_width, w.left,
                                       w.dilation_width, w.width, w.out_width);
      float* grad = dkernel + (ky * w.window_width + kx) * out_channels;
      const int64_t ix =
          xs.first * w.stride_width - w.left + kx * w.dilation_width;
      for (int64_t oy = ys.first; oy < ys.last; ++oy) {
        const int64_t iy =
            oy * w.stride_height - w.top + ky * w.dilation_height;
        AddTapGrad(w, multiplier, x + (iy * w.width + ix) * w.channels,
                   dy + (oy * w.out_width + xs.first) * out_channels,
                   xs.last - xs.first, grad);
      }
    }
  }
}

void DepthwiseInputGrad(const WindowGeometry& w, int64_t multiplier,
                        const float* __restrict dy,
                        const float* __restrict kernel, float* __restrict dx) {
  const int64_t out_channels = w.channels * multiplier;
  Fill(dx, w.height * w.width * w.channels, 0.0f);
  ForEachPosition(w, [&](int64_t oy, int64_t ox, const Taps& rows,
                         const Taps& columns) {
    const float* out = dy + (oy * w.out_width + ox) * out_channels;
    for (int64_t ky = rows.first; ky < rows.last; ++ky) {
      for (int64_t kx = columns.first; kx < columns.last; ++kx) {
        const float* taps = kernel + (ky * w.window_width + kx) * out_channels;
        float* to = dx + TapOffset(w, rows, columns, ky, kx);
        if (multiplier == 1) {
          for (int64_t c = 0; c < w.channels; ++c) to[c] += out[c] * taps[c];
        } else {
          for (int64_t o = 0; o < out_channels; ++o) {
            to[o / multiplier] += out[o] * taps[o];
          }
        }
      }
    }
  });
}
