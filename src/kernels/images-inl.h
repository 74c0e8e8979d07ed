// Bodies of images.h; included by kernels-inl.h after matrix_product-inl.h,
// which has the vectors. Channels lie next to each other: a vector of them
// passes over all positions of the window before the next does, so that nothing
// is decided at each position.

// The window's taps that fall inside the image, along one axis.
struct Taps {
  int64_t first;   // of the kernel
  int64_t last;    // one past
  int64_t origin;  // of tap 0 in the image; may be outside
};

inline Taps TapsAt(int64_t out, int64_t stride, int64_t before, int64_t window,
                   int64_t dilation, int64_t size) {
  const int64_t origin = out * stride - before;
  int64_t first = 0, last = window;
  while (first < last && origin + first * dilation < 0) ++first;
  while (last > first && origin + (last - 1) * dilation >= size) --last;
  return {first, last, origin};
}

inline Taps RowTaps(const WindowGeometry& w, int64_t oy) {
  return TapsAt(oy, w.stride_height, w.top, w.window_height, w.dilation_height,
                w.height);
}

inline Taps ColumnTaps(const WindowGeometry& w, int64_t ox) {
  return TapsAt(ox, w.stride_width, w.left, w.window_width, w.dilation_width,
                w.width);
}

// Whether no window reaches beyond the image.
inline bool StaysInside(const WindowGeometry& w) {
  const auto fits = [](int64_t before, int64_t out, int64_t stride,
                       int64_t window, int64_t dilation, int64_t size) {
    return before == 0 && (out - 1) * stride + (window - 1) * dilation < size;
  };
  return fits(w.top, w.out_height, w.stride_height, w.window_height,
              w.dilation_height, w.height) &&
         fits(w.left, w.out_width, w.stride_width, w.window_width,
              w.dilation_width, w.width);
}

// Calls body(oy, ox, rows, columns) for each position of the window. kInside:
// StaysInside(window), so that all positions have all taps.
template <bool kInside, class Body>
[[gnu::always_inline]] inline void ForEachPosition(const WindowGeometry& w,
                                                   const Body& body) {
  for (int64_t oy = 0; oy < w.out_height; ++oy) {
    const Taps rows = kInside ? Taps{0, w.window_height, oy * w.stride_height}
                              : RowTaps(w, oy);
    for (int64_t ox = 0; ox < w.out_width; ++ox) {
      body(oy, ox, rows,
           kInside ? Taps{0, w.window_width, ox * w.stride_width}
                   : ColumnTaps(w, ox));
    }
  }
}

// Where tap (ky, kx) reads, as an offset in floats.
inline int64_t TapOffset(const WindowGeometry& w, const Taps& rows,
                         const Taps& columns, int64_t ky, int64_t kx) {
  return ((rows.origin + ky * w.dilation_height) * w.width + columns.origin +
          kx * w.dilation_width) *
         w.channels;
}

inline void Fill(float* x, int64_t count, float value) {
  for (int64_t i = 0; i < count; ++i) x[i] = value;
}

// Whether every pixel lies in exactly one window, so that a gradient can be
// written instead of added.
inline bool TilesExactly(const WindowGeometry& w) {
  return w.stride_height == w.window_height &&
         w.stride_width == w.window_width && w.dilation_height == 1 &&
         w.dilation_width == 1 && w.top == 0 && w.left == 0 &&
         w.out_height * w.window_height == w.height &&
         w.out_width * w.window_width == w.width;
}

#include "kernels/max_pool-inl.h"

inline float OneOver(const Taps& rows, const Taps& columns) {
  return 1.0f / static_cast<float>((rows.last - rows.first) *
                                   (columns.last - columns.first));
}

// Of a window that has all taps: divided once for an image.
inline float OneOverWhole(const WindowGeometry& w) {
  return OneOver({0, w.window_height, 0}, {0, w.window_width, 0});
}

template <bool kInside>
void AveragePoolOf(const WindowGeometry& window, const float* x, float* y) {
  const WindowGeometry w = window;  // a copy, as of maximum pooling
  const float whole = OneOverWhole(w);
  ForEachVectorOverlapping(w.channels, [&]<class V>(int64_t c) {
    ForEachPosition<kInside>(
        w, [&](int64_t oy, int64_t ox, const Taps& rows, const Taps& columns) {
          V sum{};
          for (int64_t ky = rows.first; ky < rows.last; ++ky) {
            const float* tap =
                x + TapOffset(w, rows, columns, ky, columns.first) + c;
        // Windows are small: a loop for many taps would begin in vain.
#pragma clang loop unroll(disable)
            for (int64_t kx = columns.first; kx < columns.last; ++kx) {
              sum += LoadAs<V>(tap);
              tap += w.dilation_width * w.channels;
            }
          }
          StoreAs(y + (oy * w.out_width + ox) * w.channels + c,
                  sum * (kInside ? whole : OneOver(rows, columns)));
        });
  });
}

void AveragePool(const WindowGeometry& w, const float* x, float* y) {
  const auto pool = StaysInside(w) ? AveragePoolOf<true> : AveragePoolOf<false>;
  pool(w, x, y);
}

// The gradient of each position goes to each of its taps. kWrite: windows tile
// the image, so nothing was there before; else it is added.
template <bool kWrite, bool kInside, class V>
[[gnu::always_inline]] inline void SpreadGradients(const WindowGeometry& w,
                                                   const float* dy, float* dx) {
  const float whole = OneOverWhole(w);
  ForEachPosition<kInside>(w, [&](int64_t oy, int64_t ox, const Taps& rows,
                                  const Taps& columns) {
    const V gradient = LoadAs<V>(dy + (oy * w.out_width + ox) * w.channels) *
                       (kInside ? whole : OneOver(rows, columns));
    for (int64_t ky = rows.first; ky < rows.last; ++ky) {
      float* tap = dx + TapOffset(w, rows, columns, ky, columns.first);
      // As above.
#pragma clang loop unroll(disable)
      for (int64_t kx = columns.first; kx < columns.last; ++kx) {
        StoreAs(tap, kWrite ? gradient : LoadAs<V>(tap) + gradient);
        tap += w.dilation_width * w.channels;
      }
    }
  });
}

void AveragePoolGrad(const WindowGeometry& window, const float* dy, float* dx) {
  const WindowGeometry w = window;
  if (TilesExactly(w)) {
    ForEachVectorOverlapping(w.channels, [&]<class V>(int64_t c) {
      SpreadGradients<true, true, V>(w, dy + c, dx + c);
    });
    return;
  }
  Fill(dx, w.height * w.width * w.channels, 0.0f);
  ForEachVector(w.channels, [&]<class V>(int64_t c) {
    SpreadGradients<false, false, V>(w, dy + c, dx + c);
  });
}

constexpr ImageKernels kImageKernels = {
    .max_pool = MaxPool,
    .max_pool_grad = MaxPoolGrad,
    .average_pool = AveragePool,
    .average_pool_grad = AveragePoolGrad,
};
