// Maximum pooling; included by images-inl.h, which has the positions of
// windows.
//
// Channels next to each other go through together, two of the widest vectors at
// a time: their best values and places stay in registers while the taps pass.

// For a vector V of floats: its lanes' places in the window as integers, which
// comparisons of V give too, and as they are kept.
template <class V>
using PlacesOf = decltype(V{} > V{});
template <class V>
struct WinnersOf {
  typedef uint16_t Type __attribute__((vector_size(sizeof(V) / 2)));
};

// By reference, since a function may not return a vector that no register
// holds.
template <class V, class T>
[[gnu::always_inline]] inline void Read(V& v, const T* p) {
  __builtin_memcpy(&v, p, sizeof(v));
}
template <class V, class T>
[[gnu::always_inline]] inline void Write(T* p, const V& v) {
  __builtin_memcpy(p, &v, sizeof(v));
}

template <class V>
[[gnu::always_inline]] inline void MaxPoolAt(const WindowGeometry& w,
                                             const Taps& rows,
                                             const Taps& columns,
                                             const float* x, float* y,
                                             uint16_t* winner) {
  V best, tap;
  Read(best, x + TapOffset(w, rows, columns, rows.first, columns.first));
  PlacesOf<V> place = {};
  place += static_cast<int32_t>(rows.first * w.window_width + columns.first);
  for (int64_t ky = rows.first; ky < rows.last; ++ky) {
    for (int64_t kx = columns.first; kx < columns.last; ++kx) {
      Read(tap, x + TapOffset(w, rows, columns, ky, kx));
      const auto at = static_cast<int32_t>(ky * w.window_width + kx);
      const PlacesOf<V> better = tap > best;
      best = better ? tap : best;
      place = better ? PlacesOf<V>{} + at : place;
    }
  }
  Write(y, best);
  Write(winner, __builtin_convertvector(place, typename WinnersOf<V>::Type));
}

template <bool kInside>
void MaxPoolOf(const WindowGeometry& window, const float* x, float* y,
               uint16_t* winner) {
  // A copy whose address nobody has: what is written cannot be taken for it.
  const WindowGeometry w = window;
  ForEachVector<2 * kLanes>(w.channels, [&]<class V>(int64_t c) {
    ForEachPosition<kInside>(
        w, [&](int64_t oy, int64_t ox, const Taps& rows, const Taps& columns) {
          const int64_t out = (oy * w.out_width + ox) * w.channels + c;
          MaxPoolAt<V>(w, rows, columns, x + c, y + out, winner + out);
        });
  });
}

void MaxPool(const WindowGeometry& w, const float* x, float* y,
             uint16_t* winner) {
  const auto pool = StaysInside(w) ? MaxPoolOf<true> : MaxPoolOf<false>;
  pool(w, x, y, winner);
}

// Gives the gradients of some channels to the taps that won. They are masked by
// their bits: a choice between floats would become a branch on some targets.
template <class V, bool kAdd>
[[gnu::always_inline]] inline void MaxPoolGradAt(
    const WindowGeometry& w, const Taps& rows, const Taps& columns, float limit,
    const float* y, const float* dy, const uint16_t* winner, float* dx) {
  V output, tap;
  PlacesOf<V> gradient;
  typename WinnersOf<V>::Type winners;
  Read(output, y);
  Read(gradient, dy);
  Read(winners, winner);
  gradient &= output > limit;
  const auto place = __builtin_convertvector(winners, PlacesOf<V>);
  for (int64_t ky = rows.first; ky < rows.last; ++ky) {
    for (int64_t kx = columns.first; kx < columns.last; ++kx) {
      const auto at = static_cast<int32_t>(ky * w.window_width + kx);
      const PlacesOf<V> given = gradient & (place == at);
      float* to = dx + TapOffset(w, rows, columns, ky, kx);
      if constexpr (kAdd) {
        Read(tap, to);
        Write(to, tap + __builtin_bit_cast(V, given));
      } else {
        Write(to, given);
      }
    }
  }
}

template <bool kAdd>
void MaxPoolGradInto(const WindowGeometry& window, const float* __restrict y,
                     const float* __restrict dy,
                     const uint16_t* __restrict winner, PoolGradMask mask,
                     float* __restrict dx) {
  const WindowGeometry w = window;  // a copy, as above
  const float limit =
      mask == PoolGradMask::kPositive ? 0.0f : -__builtin_inff();
  ForEachVector<2 * kLanes>(w.channels, [&]<class V>(int64_t c) {
    // Windows that tile the image stay inside.
    ForEachPosition<!kAdd>(
        w, [&](int64_t oy, int64_t ox, const Taps& rows, const Taps& columns) {
          const int64_t out = (oy * w.out_width + ox) * w.channels + c;
          MaxPoolGradAt<V, kAdd>(w, rows, columns, limit, y + out, dy + out,
                                 winner + out, dx + c);
        });
  });
}

void MaxPoolGrad(const WindowGeometry& w, const float* y, const float* dy,
                 const uint16_t* winner, PoolGradMask mask, float* dx) {
  if (TilesExactly(w)) {
    MaxPoolGradInto<false>(w, y, dy, winner, mask, dx);
    return;
  }
  Fill(dx, w.height * w.width * w.channels, 0.0f);
  MaxPoolGradInto<true>(w, y, dy, winner, mask, dx);
}
