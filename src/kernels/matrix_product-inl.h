// The product on vector registers; included by kernels-inl.h.
//
// A tile of c stays in registers while all rows pass: each row's `kTileRows`
// values of a are spread over vectors and multiplied with some vectors of b.
// Nothing is packed or transposed but what would be read badly: columns of a
// that lie pages apart, and b's columns beyond the last whole vector.

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

// The alignment is a float's: rows of tensors may begin at any float.
typedef float Vector __attribute__((vector_size(4 * kLanes), aligned(4)));

// kWide is the most vectors of b that a tile takes, RowsFor() its rows of a for
// so many vectors. 32 registers hold 6 x 4 sums and 4 vectors of b, or 12 x 2
// and 2; 16 registers hold 6 x 2 and 2. With fewer rows the multipliers would
// wait for their own last sums.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kWide = 4;
constexpr int RowsFor(int vectors) {
  return vectors == 4 ? 6 : vectors == 2 ? 12 : 16;
}
#else
constexpr int kWide = 2;
constexpr int RowsFor(int vectors) { return vectors == 2 ? 6 : 12; }
#endif
constexpr int kTileRows = 6;  // of the widest tile

// Where a or b is copied to the stack first, so many rows are copied at a time:
// the copy of a takes 24 KiB, that of b 8 KiB with the widest vectors.
constexpr int64_t kChunk = 128;

// These are the fields of MatrixProduct that k runs along.
struct Bands {
  const float* a;
  int64_t a_stride, a_band_stride;
  const float* b;
  int64_t b_stride, b_band_stride;
  int64_t bands, rows;
};

// What a tile does before and after its sums.
struct Ends {
  const float* bias;  // as MatrixProduct has them
  bool accumulate;
  bool clamps;
  float low, high;

  // For c's columns from `column` on.
  Ends At(int64_t column) const {
    Ends ends = *this;
    if (bias != nullptr) ends.bias += column;
    return ends;
  }
  // For one of the parts that k is cut into: only the first one begins as the
  // whole does, and only the last one clamps.
  Ends OfPart(bool first, bool last) const {
    Ends ends = *this;
    if (!first) ends.accumulate = true;
    if (!last) ends.clamps = false;
    return ends;
  }
};

inline const Vector& Load(const float* p) {
  return *reinterpret_cast<const Vector*>(p);
}
inline void Store(float* p, const Vector& v) {
  *reinterpret_cast<Vector*>(p) = v;
}

// Begins a tile's sums with c, the bias or zero.
template <int kRows, int kVectors>
[[gnu::always_inline]] inline void BeginSums(const Ends& ends, const float* c,
                                             int64_t c_stride,
                                             Vector (&sums)[kRows][kVectors]) {
  if (ends.accumulate) {
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kVectors; ++j) {
        sums[i][j] = Load(c + i * c_stride + j * kLanes);
      }
    }
    return;
  }
  for (int j = 0; j < kVectors; ++j) {
    const Vector first =
        ends.bias == nullptr ? Vector{} : Load(ends.bias + j * kLanes);
    for (int i = 0; i < kRows; ++i) sums[i][j] = first;
  }
}

template <int kRows, int kVectors>
[[gnu::always_inline]] inline void EndSums(const Ends& ends,
                                           Vector (&sums)[kRows][kVectors],
                                           float* c, int64_t c_stride) {
  if (ends.clamps) {
    const Vector low = Vector{} + ends.low;
    const Vector high = Vector{} + ends.high;
    // Written so, a NaN stays one and is found later.
    for (auto& row : sums) {
      for (Vector& sum : row) {
        sum = low > sum ? low : sum;
        sum = high < sum ? high : sum;
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kVectors; ++j) {
      Store(c + i * c_stride + j * kLanes, sums[i][j]);
    }
  }
}

// Computes one tile of c, kRows x kVectors vectors. Its sums take k in
// ascending order, so that tiles of any size give the same bits.
template <int kRows, int kVectors, bool kOffsets>
[[gnu::always_inline]] inline void ProductTile(const Bands& bands,
                                               const int32_t* offsets, float* c,
                                               int64_t c_stride,
                                               const Ends& ends) {
  Vector sums[kRows][kVectors];
  BeginSums(ends, c, c_stride, sums);
  for (int64_t band = 0; band < bands.bands; ++band) {
    const float* a = bands.a + band * bands.a_band_stride;
    const float* b = bands.b + band * bands.b_band_stride;
    for (int64_t row = 0; row < bands.rows; ++row) {
      Vector columns[kVectors];
      for (int j = 0; j < kVectors; ++j) columns[j] = Load(b + j * kLanes);
      for (int i = 0; i < kRows; ++i) {
        const float value = kOffsets ? a[offsets[i]] : a[i];
        for (int j = 0; j < kVectors; ++j) sums[i][j] += value * columns[j];
      }
      a += bands.a_stride;
      b += bands.b_stride;
    }
  }
  EndSums(ends, sums, c, c_stride);
}

// Computes tiles of kRows from row i on, as many as fit in m; returns where
// they end.
template <int kRows, int kVectors, bool kOffsets>
int64_t ProductTiles(const Bands& bands, const int32_t* offsets, int64_t i,
                     int64_t m, float* c, int64_t c_stride, const Ends& ends) {
  for (; i + kRows <= m; i += kRows) {
    Bands tile = bands;
    if (!kOffsets) tile.a += i;
    ProductTile<kRows, kVectors, kOffsets>(tile,
                                           kOffsets ? offsets + i : nullptr,
                                           c + i * c_stride, c_stride, ends);
  }
  return i;
}

// Computes all rows of c in kVectors vectors of its columns: in tiles of as
// many rows as registers allow, and what is left over in smaller ones.
template <int kVectors, bool kOffsets>
void ProductColumns(const Bands& bands, const int32_t* offsets, int64_t m,
                    float* c, int64_t c_stride, const Ends& ends) {
  const auto tiles = [&]<int kRows>(int64_t i) {
    return ProductTiles<kRows, kVectors, kOffsets>(bands, offsets, i, m, c,
                                                   c_stride, ends);
  };
  int64_t i = tiles.template operator()<RowsFor(kVectors)>(0);
  if (RowsFor(kVectors) > 6) i = tiles.template operator()<6>(i);
  i = tiles.template operator()<3>(i);
  tiles.template operator()<1>(i);
}

// Does the same for a number of vectors that is known only now. A machine whose
// kWide is 2 never gets to 4, and kWide there keeps it from compiling such
// tiles.
template <bool kOffsets>
void ProductColumns(int vectors, const Bands& bands, const int32_t* offsets,
                    int64_t m, float* c, int64_t c_stride, const Ends& ends) {
  switch (vectors) {
    case 4:
      return ProductColumns<kWide, kOffsets>(bands, offsets, m, c, c_stride,
                                             ends);
    case 2:
      return ProductColumns<2, kOffsets>(bands, offsets, m, c, c_stride, ends);
    default:
      return ProductColumns<1, kOffsets>(bands, offsets, m, c, c_stride, ends);
  }
}

// Copies the rows of one chunk of b, n < kLanes columns of each, into vectors
// of which the rest is zero already.
inline void FillVectors(const float* b, int64_t b_stride, int64_t rows,
                        int64_t n, float* filled) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t j = 0; j < n; ++j) {
      filled[row * kLanes + j] = b[row * b_stride + j];
    }
  }
}

// Copies rows of c, n floats of each, between where they lie and a tile of
// vectors.
inline void CopyRows(const float* from, int64_t from_stride, int64_t rows,
                     int64_t n, float* to, int64_t to_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < n; ++j) {
      to[r * to_stride + j] = from[r * from_stride + j];
    }
  }
}

// Computes what one chunk, whose b is filled up to vectors, gives or adds to
// n < kLanes columns of c; these go through `tile`, RowsFor(1) whole vectors.
template <bool kOffsets>
void ProductTailChunk(const Bands& chunk, const int32_t* offsets, int64_t m,
                      int64_t n, float* tile, float* c, int64_t c_stride,
                      const Ends& ends) {
  constexpr int64_t kRows = RowsFor(1);
  for (int64_t i = 0; i < m; i += kRows) {
    const int64_t rows = i + kRows < m ? kRows : m - i;
    float* part_of_c = c + i * c_stride;
    if (ends.accumulate) CopyRows(part_of_c, c_stride, rows, n, tile, kLanes);
    Bands part = chunk;
    if (!kOffsets) part.a = chunk.a + i;
    ProductColumns<1, kOffsets>(part, kOffsets ? offsets + i : nullptr, rows,
                                tile, kLanes, ends);
    CopyRows(tile, kLanes, rows, n, part_of_c, c_stride);
  }
}

// Computes the last n < kLanes columns. Whole vectors there would read and
// write past the end: so b is copied into vectors filled up with zeros, a chunk
// of rows at a time, and c goes through a tile of whole vectors.
template <bool kOffsets>
void ProductTail(const Bands& bands, const int32_t* offsets, int64_t m,
                 int64_t n, float* c, int64_t c_stride, const Ends& ends) {
  float filled[kChunk * kLanes] = {};
  float tile[RowsFor(1) * kLanes] = {};
  float bias[kLanes] = {};
  Ends filled_ends = ends;
  if (ends.bias != nullptr) {
    CopyRows(ends.bias, 0, 1, n, bias, 0);
    filled_ends.bias = bias;
  }
  for (int64_t band = 0; band < bands.bands; ++band) {
    const float* a = bands.a + band * bands.a_band_stride;
    const float* b = bands.b + band * bands.b_band_stride;
    for (int64_t begin = 0; begin < bands.rows; begin += kChunk) {
      const int64_t rows =
          begin + kChunk < bands.rows ? kChunk : bands.rows - begin;
      FillVectors(b + begin * bands.b_stride, bands.b_stride, rows, n, filled);
      const Bands chunk{a + begin * bands.a_stride,
                        bands.a_stride,
                        0,
                        filled,
                        kLanes,
                        0,
                        1,
                        rows};
      const bool first = band == 0 && begin == 0;
      const bool last = band + 1 == bands.bands && begin + rows == bands.rows;
      ProductTailChunk<kOffsets>(chunk, offsets, m, n, tile, c, c_stride,
                                 filled_ends.OfPart(first, last));
    }
  }
}

// Computes all of c: columns in groups as wide as a tile can be, and then the
// tail.
template <bool kOffsets>
void ProductOf(const Bands& bands, const int32_t* offsets, int64_t m, int64_t n,
               float* c, int64_t c_stride, const Ends& ends) {
  int64_t j = 0;
  Bands part = bands;
  while (n - j >= kLanes) {
    const int64_t vectors = (n - j) / kLanes;
    const int wide = vectors >= kWide ? kWide : vectors >= 2 ? 2 : 1;
    part.b = bands.b + j;
    ProductColumns<kOffsets>(wide, part, offsets, m, c + j, c_stride,
                             ends.At(j));
    j += wide * kLanes;
  }
  if (j == n) return;
  part.b = bands.b + j;
  ProductTail<kOffsets>(part, offsets, m, n - j, c + j, c_stride, ends.At(j));
}

// Columns of a that lie apart by more than this many floats are copied together
// first, kPanel at a time: each row of a tile would be on a page of its own.
constexpr int64_t kFarApart = 1024;
constexpr int64_t kPanel = 8 * kTileRows;

void ProductFarApart(const Bands& bands, int64_t m, int64_t n, float* c,
                     int64_t c_stride, const Ends& ends) {
  float panel[kChunk * kPanel];
  for (int64_t i = 0; i < m; i += kPanel) {
    const int64_t width = i + kPanel < m ? kPanel : m - i;
    for (int64_t begin = 0; begin < bands.rows; begin += kChunk) {
      const int64_t rows =
          begin + kChunk < bands.rows ? kChunk : bands.rows - begin;
      for (int64_t row = 0; row < rows; ++row) {
        const float* a = bands.a + (begin + row) * bands.a_stride + i;
        for (int64_t x = 0; x < width; ++x) panel[row * kPanel + x] = a[x];
      }
      const Bands part{
          panel,          kPanel, 0, bands.b + begin * bands.b_stride,
          bands.b_stride, 0,      1, rows};
      ProductOf<false>(part, nullptr, width, n, c + i * c_stride, c_stride,
                       ends.OfPart(begin == 0, begin + rows == bands.rows));
    }
  }
}

// So many rows of b stay in the first-level cache while all of m passes: at
// most 16 KiB of a tile's columns.
constexpr int64_t kCachedRows = 64;

// Sums over kCachedRows of a long band at a time for all of c, so that b is
// read from memory once. The partial sums wait in c, in float as in the
// registers: the bits are those of one go.
void ProductOfLongBand(const Bands& bands, const int32_t* offsets, int64_t m,
                       int64_t n, float* c, int64_t c_stride,
                       const Ends& ends) {
  for (int64_t begin = 0; begin < bands.rows; begin += kCachedRows) {
    Bands part = bands;
    part.a += begin * bands.a_stride;
    part.b += begin * bands.b_stride;
    const int64_t rows =
        begin + kCachedRows < bands.rows ? kCachedRows : bands.rows - begin;
    part.rows = rows;
    ProductOf<true>(part, offsets, m, n, c, c_stride,
                    ends.OfPart(begin == 0, begin + rows == bands.rows));
  }
}

// Takes the best way through memory for the operands' shapes; all give the same
// bits. With no more rows of c than a tile has, b is hardly read twice anyway.
void MatrixProductOf(const MatrixProduct& p) {
  const Bands bands{p.a,        p.a_stride,      p.a_band_stride, p.b,
                    p.b_stride, p.b_band_stride, p.bands,         p.rows};
  const Ends ends{.bias = p.bias,
                  .accumulate = p.accumulate,
                  .clamps = p.low > -MatrixProduct::kUnlimited ||
                            p.high < MatrixProduct::kUnlimited,
                  .low = p.low,
                  .high = p.high};
  const bool one_band = p.bands == 1;
  if (p.a_offsets == nullptr) {
    if (one_band && p.a_stride > kFarApart && p.rows >= 32) {
      ProductFarApart(bands, p.m, p.n, p.c, p.c_stride, ends);
    } else {
      ProductOf<false>(bands, nullptr, p.m, p.n, p.c, p.c_stride, ends);
    }
  } else if (one_band && p.rows > 2 * kCachedRows && p.m > kTileRows) {
    ProductOfLongBand(bands, p.a_offsets, p.m, p.n, p.c, p.c_stride, ends);
  } else {
    ProductOf<true>(bands, p.a_offsets, p.m, p.n, p.c, p.c_stride, ends);
  }
}

constexpr ProductKernels kProductKernels = {
    .matrix_product = MatrixProductOf,
};
