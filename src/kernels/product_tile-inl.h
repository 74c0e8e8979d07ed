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

// A general register for each row's offset must be left: there are 16 on x86
// and on 32-bit Arm.
#if defined(__x86_64__) || defined(__arm__)
constexpr int kOffsetRows = 8;
#else
constexpr int kOffsetRows = 12;
#endif

struct TileShape {
  int lanes;  // of its vectors
  int vectors;
  // Whether it is one vector whose halves lie apart: so it covers more columns
  // than half a vector and fewer than a whole.
  bool halves;
  bool offsets;  // whether a's rows are found through offsets

  // The most rows. With fewer sums than eight the multipliers wait for their
  // own last ones: narrow tiles make up for it by their height.
  constexpr int MostRows() const {
    return vectors == kWide ? kTileRows
           : vectors == 3   ? 8
           : offsets        ? kOffsetRows
                            : 12;
  }
};

// The columns of a tile. Where they do not fill its vectors, the last vector
// begins before the end of the one in front, or the second half of a vector
// before the end of the first: some columns are computed twice.
struct TileColumns {
  int64_t
      last;  // where the last vector or half begins, behind the first column
  // So many columns of the tile's first vector are those of the tile before it:
  // they are left as they are in c.
  int covered;
};

template <int kCount>
[[gnu::always_inline]] inline typename VectorOf<kCount>::Type Joined(
    typename VectorOf<kCount / 2>::Type low,
    typename VectorOf<kCount / 2>::Type high) {
  if constexpr (kCount == 16) {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                   11, 12, 13, 14, 15);
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
  } else {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3);
  }
}

// Reads and writes a row of a tile's columns, vector by vector.
template <TileShape kShape>
struct TileRow {
  using V = typename VectorOf<kShape.lanes>::Type;
  using Half = typename VectorOf<(kShape.lanes + 1) / 2>::Type;

  [[gnu::always_inline]] static V Read(const float* row, int j, int64_t last) {
    if constexpr (kShape.halves) {
      return Joined<kShape.lanes>(LoadAs<Half>(row), LoadAs<Half>(row + last));
    } else {
      return LoadAs<V>(row + At(j, last));
    }
  }
  [[gnu::always_inline]] static void Write(float* row, int j, int64_t last,
                                           V v) {
    if constexpr (kShape.halves) {
      Half halves[2];
      __builtin_memcpy(halves, &v, sizeof(v));
      StoreAs(row, halves[0]);
      StoreAs(row + last, halves[1]);
    } else {
      StoreAs(row + At(j, last), v);
    }
  }

 private:
  [[gnu::always_inline]] static int64_t At(int j, int64_t last) {
    return j + 1 < kShape.vectors ? int64_t{j} * kShape.lanes : last;
  }
};

// Begins a tile's sums with c, the bias or zero.
template <TileShape kShape, int kRows, class V>
[[gnu::always_inline]] inline void BeginSums(const MatrixProduct& p,
                                             int64_t last, const float* c,
                                             V (&sums)[kRows][kShape.vectors]) {
  using Row = TileRow<kShape>;
  for (int j = 0; j < kShape.vectors; ++j) {
    if (p.accumulate) {
      for (int i = 0; i < kRows; ++i) {
        sums[i][j] = Row::Read(c + i * p.c_stride, j, last);
      }
      continue;
    }
    const V first = p.bias == nullptr ? V{} : Row::Read(p.bias, j, last);
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

template <TileShape kShape, int kRows, class V>
[[gnu::always_inline]] inline void EndSums(const MatrixProduct& p,
                                           const TileColumns& columns,
                                           V (&sums)[kRows][kShape.vectors],
                                           float* c) {
  using Row = TileRow<kShape>;
  if (p.low > -MatrixProduct::kUnlimited ||
      p.high < MatrixProduct::kUnlimited) {
    for (auto& row : sums) {
      for (V& sum : row) sum = Clamped(p, sum);
    }
  }
  if (kShape.vectors == 1 && columns.covered > 0) {
    typename VectorOf<kShape.lanes>::Integers lane;
    for (int l = 0; l < kShape.lanes; ++l) lane[l] = l;
    for (int i = 0; i < kRows; ++i) {
      const V before = Row::Read(c + i * p.c_stride, 0, columns.last);
      sums[i][0] = lane >= columns.covered ? sums[i][0] : before;
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kShape.vectors; ++j) {
      Row::Write(c + i * p.c_stride, j, columns.last, sums[i][j]);
    }
  }
}

// Computes kRows rows of c's first columns, from row i on. The sums take k in
// ascending order, so that tiles of any size give the same bits.
template <TileShape kShape, int kRows>
[[gnu::always_inline]] inline void ProductTile(const MatrixProduct& p,
                                               const TileColumns& columns,
                                               int64_t i) {
  using Row = TileRow<kShape>;
  float* const c = p.c + i * p.c_stride;
  const int64_t a_stride = p.a_stride;
  const int64_t b_stride = p.b_stride;
  const int64_t last = columns.last;
  typename Row::V sums[kRows][kShape.vectors];
  BeginSums<kShape, kRows>(p, last, c, sums);
  int64_t offsets[kRows];
  for (int r = 0; r < kRows; ++r) {
    offsets[r] = kShape.offsets ? p.a_offsets[i + r] : r;
  }
  for (int64_t band = 0; band < p.bands; ++band) {
    const float* a = p.a + band * p.a_band_stride + (kShape.offsets ? 0 : i);
    const float* b = p.b + band * p.b_band_stride;
    for (int64_t row = 0; row < p.rows; ++row) {
      typename Row::V vectors[kShape.vectors];
      for (int j = 0; j < kShape.vectors; ++j) {
        vectors[j] = Row::Read(b, j, last);
      }
      for (int r = 0; r < kRows; ++r) {
        const float value = a[offsets[r]];
        for (int j = 0; j < kShape.vectors; ++j) {
          sums[r][j] += value * vectors[j];
        }
      }
      a += a_stride;
      b += b_stride;
    }
  }
  EndSums<kShape, kRows>(p, columns, sums, c);
}

// Computes tiles of kRows from row i on, as many as fit in `end`; returns where
// they end.
template <TileShape kShape, int kRows>
int64_t ProductTiles(const MatrixProduct& product, const TileColumns& columns,
                     int64_t i, int64_t end) {
  // A copy whose address nobody has: what a tile writes cannot be taken for it.
  const MatrixProduct p = product;
  for (; i + kRows <= end; i += kRows) {
    ProductTile<kShape, kRows>(p, columns, i);
  }
  return i;
}

// Computes `rows` rows of c's first columns, from row i on, as one tile.
// REQUIRES: 0 <= rows <= kRows.
template <TileShape kShape, int kRows = kShape.MostRows()>
void ProductTileOf(const MatrixProduct& p, const TileColumns& columns,
                   int64_t i, int64_t rows) {
  if constexpr (kRows > 0) {
    if (rows < kRows) {
      return ProductTileOf<kShape, kRows - 1>(p, columns, i, rows);
    }
    ProductTiles<kShape, kRows>(p, columns, i, i + kRows);
  }
}

// Computes all rows of c's first columns: in tiles as high as can be, of which
// the last two share what is left for them, since one of a row or two would
// take nearly as long as one of four.
template <TileShape kShape>
void ProductColumns(const MatrixProduct& p, const TileColumns& columns) {
  constexpr int64_t kMost = kShape.MostRows();
  const int64_t left = p.m < kMost ? p.m : kMost + p.m % kMost;
  const int64_t i = ProductTiles<kShape, kMost>(p, columns, 0, p.m - left);
  if (left <= kMost) return ProductTileOf<kShape>(p, columns, i, left);
  const int64_t half = (left + 1) / 2;
  ProductTileOf<kShape>(p, columns, i, half);
  ProductTileOf<kShape>(p, columns, i + half, left - half);
}
