// Tiles of a matrix product; included by kernels-inl.h after vectors are there.
//
// A tile of c stays in registers while all rows of b pass: each row's values of
// a are spread over vectors and multiplied with the tile's vectors of b.

// kWide is the most vectors of b that a tile takes. 32 registers hold 6 x 4
// sums and 4 vectors of b; 16 hold 6 x 2 and 2.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kWide = 4;
#else
constexpr int kWide = 2;
#endif
constexpr int kTileRows = 6;  // of the widest tile

// On x86 a general register for each row's offset must be left.
#if defined(__x86_64__)
constexpr int kOffsetRows = 8;
#else
constexpr int kOffsetRows = 12;
#endif

// The most rows of a tile. With fewer sums than eight the multipliers wait for
// their own last ones: narrow tiles make up for it by their height.
constexpr int MostRows(int vectors, bool offsets) {
  const int most = vectors == kWide ? kTileRows
                   : vectors == 3   ? 8
                   : offsets        ? kOffsetRows
                                    : 12;
  return most;
}

// The columns of a tile. Where they do not fill its vectors, the last vector
// begins before the end of the one in front: its first `covered` lanes are
// computed twice, and left as they are in c.
struct TileColumns {
  int64_t last;  // where the last vector begins, behind the tile's first column
  int covered;
};

template <int kLanesOf>
using Lanes = typename VectorOf<kLanesOf>::Type;

// Where each vector of a row begins.
template <int kLanesOf, int kVectors>
[[gnu::always_inline]] inline int64_t VectorAt(const TileColumns& columns,
                                               int j) {
  return j + 1 < kVectors ? int64_t{j} * kLanesOf : columns.last;
}

// Begins a tile's sums with c, the bias or zero.
template <int kLanesOf, int kRows, int kVectors>
[[gnu::always_inline]] inline void BeginSums(
    const MatrixProduct& p, const TileColumns& columns, const float* c,
    Lanes<kLanesOf> (&sums)[kRows][kVectors]) {
  using V = Lanes<kLanesOf>;
  if (p.accumulate) {
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kVectors; ++j) {
        sums[i][j] = LoadAs<V>(c + i * p.c_stride +
                               VectorAt<kLanesOf, kVectors>(columns, j));
      }
    }
    return;
  }
  for (int j = 0; j < kVectors; ++j) {
    const V first =
        p.bias == nullptr
            ? V{}
            : LoadAs<V>(p.bias + VectorAt<kLanesOf, kVectors>(columns, j));
    for (int i = 0; i < kRows; ++i) sums[i][j] = first;
  }
}

// Written so, a NaN stays one and is found later.
template <class V>
[[gnu::always_inline]] inline V Clamped(const MatrixProduct& p, V sum) {
  const V low = V{} + p.low;
  const V high = V{} + p.high;
  sum = low > sum ? low : sum;
  return high < sum ? high : sum;
}

template <int kLanesOf, int kRows, int kVectors>
[[gnu::always_inline]] inline void EndSums(
    const MatrixProduct& p, const TileColumns& columns,
    Lanes<kLanesOf> (&sums)[kRows][kVectors], float* c) {
  using V = Lanes<kLanesOf>;
  if (p.low > -MatrixProduct::kUnlimited ||
      p.high < MatrixProduct::kUnlimited) {
    for (auto& row : sums) {
      for (V& sum : row) sum = Clamped(p, sum);
    }
  }
  // What two vectors of this tile compute is the same, but what the tile in
  // front has computed must not be added to again.
  if (kVectors == 1 && columns.covered > 0) {
    typename VectorOf<kLanesOf>::Integers lane;
    for (int l = 0; l < kLanesOf; ++l) lane[l] = l;
    for (int i = 0; i < kRows; ++i) {
      V& sum = sums[i][0];
      const V before = LoadAs<V>(c + i * p.c_stride + columns.last);
      sum = lane >= columns.covered ? sum : before;
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kVectors; ++j) {
      StoreAs(c + i * p.c_stride + VectorAt<kLanesOf, kVectors>(columns, j),
              sums[i][j]);
    }
  }
}

// Computes kRows rows of c from row i on, kVectors vectors of its first
// columns. The sums take k in ascending order, so that tiles of any size give
// the same bits.
template <int kLanesOf, int kRows, int kVectors, bool kOffsets>
[[gnu::always_inline]] inline void ProductTile(const MatrixProduct& p,
                                               const TileColumns& columns,
                                               int64_t i) {
  using V = Lanes<kLanesOf>;
  float* const c = p.c + i * p.c_stride;
  V sums[kRows][kVectors];
  BeginSums<kLanesOf>(p, columns, c, sums);
  int64_t offsets[kRows];
  for (int r = 0; r < kRows; ++r)
    offsets[r] = kOffsets ? p.a_offsets[i + r] : r;
  const int64_t a_stride = p.a_stride;
  const int64_t b_stride = p.b_stride;
  const int64_t last = columns.last;
  for (int64_t band = 0; band < p.bands; ++band) {
    const float* a = p.a + band * p.a_band_stride + (kOffsets ? 0 : i);
    const float* b = p.b + band * p.b_band_stride;
    for (int64_t row = 0; row < p.rows; ++row) {
      V vectors[kVectors];
      for (int j = 0; j + 1 < kVectors; ++j) {
        vectors[j] = LoadAs<V>(b + j * kLanesOf);
      }
      vectors[kVectors - 1] = LoadAs<V>(b + last);
      for (int r = 0; r < kRows; ++r) {
        const float value = a[offsets[r]];
        for (int j = 0; j < kVectors; ++j) sums[r][j] += value * vectors[j];
      }
      a += a_stride;
      b += b_stride;
    }
  }
  EndSums<kLanesOf>(p, columns, sums, c);
}

// Computes tiles of kRows from row i on, as many as fit in `end`; returns where
// they end.
template <int kLanesOf, int kRows, int kVectors, bool kOffsets>
int64_t ProductTiles(const MatrixProduct& product, const TileColumns& columns,
                     int64_t i, int64_t end) {
  // A copy whose address nobody has: what a tile writes cannot be taken for it.
  const MatrixProduct p = product;
  for (; i + kRows <= end; i += kRows) {
    ProductTile<kLanesOf, kRows, kVectors, kOffsets>(p, columns, i);
  }
  return i;
}

// Computes rows of c's first columns in tiles of the given heights, the
// greatest first, as far as registers allow.
template <int kLanesOf, int kVectors, bool kOffsets, int... kHeights>
[[gnu::always_inline]] inline int64_t TilesOfHeights(const MatrixProduct& p,
                                                     const TileColumns& columns,
                                                     int64_t i, int64_t end) {
  const auto tiles = [&]<int kHeight>() {
    if constexpr (kHeight <= MostRows(kVectors, kOffsets)) {
      i = ProductTiles<kLanesOf, kHeight, kVectors, kOffsets>(p, columns, i,
                                                              end);
    }
  };
  (tiles.template operator()<kHeights>(), ...);
  return i;
}

// Computes all rows of c's first columns.
template <int kLanesOf, int kVectors, bool kOffsets>
void ProductColumns(const MatrixProduct& p, const TileColumns& columns) {
  const auto tiles = [&]<int... kHeights>(int64_t i, int64_t end) {
    return TilesOfHeights<kLanesOf, kVectors, kOffsets, kHeights...>(p, columns,
                                                                     i, end);
  };
  if constexpr (MostRows(kVectors, kOffsets) > kTileRows) {
    tiles.template operator()<12, 8, 4, 2, 1>(0, p.m);
    return;
  }
  // One to three rows more than full tiles are shared by the last two tiles:
  // one of so few rows would take as long as one of four.
  const int64_t over = p.m % kTileRows;
  const bool shared = p.m > kTileRows && over > 0 && over < 4;
  int64_t i = tiles.template operator()<kTileRows>(
      0, shared ? p.m - over - kTileRows : p.m);
  if (shared) {
    i = tiles.template operator()<5, 4>(i, i + (p.m - i + 1) / 2);
  }
  tiles.template operator()<5, 4, 3, 2, 1>(i, p.m);
}
