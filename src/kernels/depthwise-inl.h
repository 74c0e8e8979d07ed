// Bodies of depthwise.h; included by kernels-inl.h after vectors are there.

// Positions of a line whose sums stay in registers together: as many chains of
// additions as it takes to keep the multipliers busy.
constexpr int64_t kDepthwisePixels = 6;

template <class V, int kPixels>
[[gnu::always_inline]] inline void DepthwiseGroup(
    const DepthwisePass& pass, const float* x, const float* kernel,
    const float* bias, const DepthwiseClamp& clamp, float* y) {
  V sums[kPixels];
  for (V& sum : sums) sum = bias == nullptr ? V{} : LoadAs<V>(bias);
  const auto taps = static_cast<std::ptrdiff_t>(pass.tap_count);
  const auto x_pixel = static_cast<std::ptrdiff_t>(pass.x_pixel);
  for (std::ptrdiff_t t = 0; t < taps; ++t) {
    const V weights = LoadAs<V>(kernel + pass.taps[t].weights);
    const float* tap = x + pass.taps[t].place;
    for (int p = 0; p < kPixels; ++p) {
      sums[p] += LoadAs<V>(tap + p * x_pixel) * weights;
    }
  }
  for (int p = 0; p < kPixels; ++p) {
    const V above = sums[p] < clamp.low ? V{} + clamp.low : sums[p];
    StoreAs(y + p * pass.y_pixel,
            above > clamp.high ? V{} + clamp.high : above);
  }
}

// The last 1 to kDepthwisePixels - 1 positions of a line.
template <class V, int kPixels = kDepthwisePixels - 1>
[[gnu::always_inline]] inline void DepthwiseRest(const DepthwisePass& pass,
                                                 int64_t pixels, const float* x,
                                                 const float* kernel,
                                                 const float* bias,
                                                 const DepthwiseClamp& clamp,
                                                 float* y) {
  if (pixels == kPixels) {
    DepthwiseGroup<V, kPixels>(pass, x, kernel, bias, clamp, y);
  } else if constexpr (kPixels > 1) {
    DepthwiseRest<V, kPixels - 1>(pass, pixels, x, kernel, bias, clamp, y);
  }
}

void Depthwise(const DepthwisePass& pass, const float* kernel,
               const float* bias, const DepthwiseClamp& clamp, float* y) {
  for (int64_t line = 0; line < pass.lines; ++line) {
    ForEachVector(pass.channels, [&]<class V>(int64_t c) {
      const float* from = pass.x + line * pass.x_line + c;
      float* to = y + line * pass.y_line + c;
      const float* own_bias = bias == nullptr ? nullptr : bias + c;
      // A pass without taps has no kernel.
      const float* own_kernel = kernel == nullptr ? nullptr : kernel + c;
      int64_t p = 0;
      for (; p + kDepthwisePixels <= pass.pixels; p += kDepthwisePixels) {
        DepthwiseGroup<V, kDepthwisePixels>(pass, from + p * pass.x_pixel,
                                            own_kernel, own_bias, clamp,
                                            to + p * pass.y_pixel);
      }
      DepthwiseRest<V>(pass, pass.pixels - p, from + p * pass.x_pixel,
                       own_kernel, own_bias, clamp, to + p * pass.y_pixel);
    });
  }
}

// Taps whose sums stay in registers while all positions pass: those of a 3x3
// kernel, which leaves registers for the values even where there are 16. On
// 32-bit Arm it is the pointers, one a tap, that fill the registers.
#if defined(__arm__)
constexpr int kGradTaps = 5;
#else
constexpr int kGradTaps = 9;
#endif

// Adds to the gradients of taps `first` and on. Of fewer than kGradTaps the
// last is summed several times and written once. Lengths are as long as
// pointers, so that 32-bit targets count in one register.
template <class V>
[[gnu::always_inline]] inline void DepthwiseTapGrads(const DepthwisePass& pass,
                                                     int64_t first,
                                                     const float* x,
                                                     const float* dy,
                                                     float* dkernel) {
  V sums[kGradTaps];
  std::ptrdiff_t places[kGradTaps];
  const int64_t last = pass.tap_count - 1;
  for (int t = 0; t < kGradTaps; ++t) {
    const DepthwiseTap& tap = pass.taps[first + t < last ? first + t : last];
    places[t] = static_cast<std::ptrdiff_t>(tap.place);
    sums[t] = LoadAs<V>(dkernel + tap.weights);
  }
  const auto pixels = static_cast<std::ptrdiff_t>(pass.pixels);
  const auto x_pixel = static_cast<std::ptrdiff_t>(pass.x_pixel);
  const auto y_pixel = static_cast<std::ptrdiff_t>(pass.y_pixel);
  for (int64_t line = 0; line < pass.lines; ++line) {
    const float* at = x + line * pass.x_line;
    const float* gradient = dy + line * pass.y_line;
    for (std::ptrdiff_t p = 0; p < pixels; ++p) {
      const V g = LoadAs<V>(gradient);
      for (int t = 0; t < kGradTaps; ++t) {
        sums[t] += LoadAs<V>(at + places[t]) * g;
      }
      at += x_pixel;
      gradient += y_pixel;
#if !defined(__arm__)
      // Hides how `at` moves: otherwise the compiler would move a pointer for
      // each tap, and spend more instructions on those than on the sums.
      asm("" : "+r"(at));
#endif
    }
  }
  for (int t = 0; t < kGradTaps && first + t <= last; ++t) {
    StoreAs(dkernel + pass.taps[first + t].weights, sums[t]);
  }
}

// The lines of x that pass for each vector of channels should still be in the
// first-level cache for the next one, which reads the same cache lines: at most
// this many floats, 16 KiB.
constexpr int64_t kCachedFloats = 4096;

void DepthwiseKernelGrad(const DepthwisePass& pass, const float* dy,
                         float* dkernel) {
  const int64_t fit = kCachedFloats / (pass.x_line > 0 ? pass.x_line : 1);
  const int64_t strip = fit > 0 ? fit : 1;
  for (int64_t line = 0; line < pass.lines; line += strip) {
    DepthwisePass part = pass;
    part.lines = line + strip < pass.lines ? strip : pass.lines - line;
    ForEachVector(pass.channels, [&]<class V>(int64_t c) {
      for (int64_t t = 0; t < pass.tap_count; t += kGradTaps) {
        DepthwiseTapGrads<V>(part, t, pass.x + line * pass.x_line + c,
                             dy + line * pass.y_line + c, dkernel + c);
      }
    });
  }
}

constexpr DepthwiseKernels kDepthwiseKernels = {
    .depthwise = Depthwise,
    .depthwise_kernel_grad = DepthwiseKernelGrad,
};
