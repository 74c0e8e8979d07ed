// The ways of a matrix product through memory; included by kernels-inl.h after
// product_tile-inl.h. All give the same bits: a part of k that is summed later
// begins with what c holds, in float as in the registers.

// The part of a product from row `first` of c on.
MatrixProduct RowsOf(const MatrixProduct& p, int64_t first, int64_t count) {
  MatrixProduct part = p;
  if (p.a_offsets != nullptr) {
    part.a_offsets += first;
  } else {
    part.a += first;
  }
  part.c += first * p.c_stride;
  part.m = count;
  return part;
}

// The part from column `first` of c on.
MatrixProduct ColumnsOf(const MatrixProduct& p, int64_t first, int64_t count) {
  MatrixProduct part = p;
  part.b += first;
  part.c += first;
  if (part.bias != nullptr) part.bias += first;
  part.n = count;
  return part;
}

// The part that sums over `count` k from `first` on. Only the first part begins
// as the whole does, and only the last one clamps. REQUIRES: one band.
MatrixProduct DepthOf(const MatrixProduct& p, int64_t first, int64_t count) {
  MatrixProduct part = p;
  part.a += first * p.a_stride;
  part.b += first * p.b_stride;
  part.rows = count;
  if (first > 0) part.accumulate = true;
  if (first + count < p.rows) {
    part.low = -MatrixProduct::kUnlimited;
    part.high = MatrixProduct::kUnlimited;
  }
  return part;
}

// Calls body(first, count) for pieces of `size`.
template <class Body>
[[gnu::always_inline]] inline void ForEachPiece(int64_t size, int64_t piece,
                                                const Body& body) {
  for (int64_t first = 0; first < size; first += piece) {
    body(first, first + piece < size ? piece : size - first);
  }
}

// Computes what is at most kWide vectors wide, and at least one.
template <bool kOffsets>
void ProductOfWideColumns(const MatrixProduct& p) {
  const auto columns = [&]<int kVectors>() {
    ProductColumns<TileShape{kLanes, kVectors, false, kOffsets}>(
        p, {.last = p.n - kLanes, .covered = 0});
  };
  switch ((p.n + kLanes - 1) / kLanes) {
    case 1:
      return columns.template operator()<1>();
    case 2:
      return columns.template operator()<2>();
    // A machine whose kWide is 2 never gets further, and kWide there keeps it
    // from compiling such tiles.
    case 3:
      return columns.template operator()<kWide == 2 ? 2 : 3>();
    default:
      return columns.template operator()<kWide>();
  }
}

// Computes fewer columns than the widest vector has lanes: in the smallest
// vector that they fill, or that they fill in halves.
template <bool kOffsets, int kCount = kLanes>
void ProductOfNarrowColumns(const MatrixProduct& p) {
  if constexpr (kCount > 1) {
    if (p.n <= kCount / 2) {
      return ProductOfNarrowColumns<kOffsets, kCount / 2>(p);
    }
  }
  if constexpr (kCount > 2) {
    if (p.n < kCount) {
      return ProductColumns<TileShape{kCount, 1, true, kOffsets}>(
          p, {.last = p.n - kCount / 2, .covered = 0});
    }
  }
  ProductColumns<TileShape{kCount, 1, false, kOffsets}>(
      p, {.last = 0, .covered = 0});
}

// Computes the product with its operands as they lie.
template <bool kOffsets>
void ProductAsItLies(const MatrixProduct& p) {
  if (p.n < kLanes) return ProductOfNarrowColumns<kOffsets>(p);
  int64_t first = 0;
  for (; p.n - first >= kLanes; first += kWide * kLanes) {
    const int64_t left = p.n - first;
    const int64_t count = left < kWide * kLanes ? left : kWide * kLanes;
    ProductOfWideColumns<kOffsets>(ColumnsOf(p, first, count));
    if (count == left) return;
  }
  if (first == p.n) return;
  // Fewer columns are left than a vector has lanes, so it begins before them.
  ProductColumns<TileShape{kLanes, 1, false, kOffsets}>(
      ColumnsOf(p, first, p.n - first),
      {.last = p.n - first - kLanes,
       .covered = static_cast<int>(kLanes - (p.n - first))});
}

// So many k are summed at a time: what a tile reads of b, at most 32 KiB, stays
// in the first-level cache while rows of c pass.
constexpr int64_t kDepth = 128;

// So many rows of a are copied together.
constexpr int64_t kPanel = 8 * kTileRows;

// So many rows of c are computed together: what they read of a in kDepth k, 120
// KiB, stays in the second-level cache, a core's share of which is 128 KiB on
// the smallest boards, while b's columns pass. Larger blocks are not faster.
constexpr int64_t kBlockRows = 5 * kPanel;

// Rows of a or b that lie as far apart as this, in floats, are copied together
// before they are read again and again: each would be on a page of its own, and
// many of them share a place in the first-level cache.
constexpr int64_t kFarApartA = 1024;
constexpr int64_t kFarApartB = 512;

// Copies are paid off by so many k, and those of b by so many rows of c.
constexpr int64_t kCopiedDepth = 32;
constexpr int64_t kCopiedRows = 192;

// Copies rows of `width` floats each to rows that are `stride` apart.
void CopyRows(const float* from, int64_t from_stride, int64_t rows,
              int64_t width, float* __restrict to, int64_t stride) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t x = 0; x < width; ++x) {
      to[row * stride + x] = from[row * from_stride + x];
    }
  }
}

// REQUIRES, here and below: one band of at most kDepth rows.
void ProductWithCopiedA(const MatrixProduct& p) {
  float panel[kDepth * kPanel];
  ForEachPiece(p.m, kPanel, [&](int64_t first, int64_t count) {
    MatrixProduct part = RowsOf(p, first, count);
    CopyRows(part.a, p.a_stride, p.rows, count, panel, kPanel);
    part.a = panel;
    part.a_stride = kPanel;
    ProductAsItLies<false>(part);
  });
}

template <bool kOffsets>
void ProductWithCopiedB(const MatrixProduct& p) {
  constexpr int64_t kColumns = kWide * kLanes;
  float columns[kDepth * kColumns];
  ForEachPiece(p.n, kColumns, [&](int64_t first, int64_t count) {
    MatrixProduct part = ColumnsOf(p, first, count);
    if (count < kLanes) return ProductAsItLies<kOffsets>(part);
    CopyRows(part.b, p.b_stride, p.rows, count, columns, kColumns);
    part.b = columns;
    part.b_stride = kColumns;
    ProductAsItLies<kOffsets>(part);
  });
}

// Whether all of b stays in the first-level cache, and c's rows are so long
// that they are better written one behind the other than some columns of all.
bool WritesMostly(const MatrixProduct& p) {
  return p.rows * p.n <= 4096 && p.n >= 256;
}

template <bool kOffsets>
void ProductOfBlock(const MatrixProduct& p) {
  if (!kOffsets && p.a_stride > kFarApartA && p.rows >= kCopiedDepth) {
    ProductWithCopiedA(p);
  } else if (p.b_stride >= kFarApartB && p.rows >= kCopiedDepth &&
             p.m >= kCopiedRows) {
    ProductWithCopiedB<kOffsets>(p);
  } else if (WritesMostly(p)) {
    ForEachPiece(p.m, kPanel, [&](int64_t first, int64_t count) {
      ProductAsItLies<kOffsets>(RowsOf(p, first, count));
    });
  } else {
    ProductAsItLies<kOffsets>(p);
  }
}

// Cuts `size` into pieces of at most `most`, multiples of `unit`, that are
// about equal.
int64_t EqualPieces(int64_t size, int64_t most, int64_t unit) {
  const int64_t pieces = (size + most - 1) / most;
  const int64_t units = (size + pieces * unit - 1) / (pieces * unit);
  return units * unit;
}

template <bool kOffsets>
void ProductOfBands(const MatrixProduct& p) {
  if (p.bands > 1) return ProductAsItLies<kOffsets>(p);
  if (p.rows <= kDepth) return ProductOfBlock<kOffsets>(p);
  const int64_t rows = EqualPieces(p.m, kBlockRows, kTileRows);
  const int64_t depth = EqualPieces(p.rows, kDepth, 1);
  ForEachPiece(p.m, rows, [&](int64_t first, int64_t count) {
    const MatrixProduct block = RowsOf(p, first, count);
    ForEachPiece(p.rows, depth, [&](int64_t k, int64_t part) {
      ProductOfBlock<kOffsets>(DepthOf(block, k, part));
    });
  });
}

void MatrixProductOf(const MatrixProduct& p) {
  if (p.a_offsets != nullptr) return ProductOfBands<true>(p);
  ProductOfBands<false>(p);
}

constexpr ProductKernels kProductKernels = {
    .matrix_product = MatrixProductOf,
};
