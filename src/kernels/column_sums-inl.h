// Sums of the columns of a matrix; included by columns-inl.h after vectors are
// there.

// Sums of so many vectors stay in registers together: while one waits for its
// last addition, the others add.
constexpr int kSumVectors = 8;

// Sums the columns of kVectors vectors side by side, of which the last begins
// at column `last`: columns that two of them have come out alike.
template <class V, int kVectors>
void SumVectors(const float* x, int64_t rows, int64_t columns, int64_t last,
                float* sums) {
  constexpr int64_t kWidth = sizeof(V) / sizeof(float);
  const auto at = [&](int j) { return j + 1 < kVectors ? j * kWidth : last; };
  V totals[kVectors] = {};
  for (int64_t r = 0; r < rows; ++r) {
    for (int j = 0; j < kVectors; ++j) {
      totals[j] += LoadAs<V>(x + r * columns + at(j));
    }
  }
  for (int j = 0; j < kVectors; ++j) StoreAs(sums + at(j), totals[j]);
}

// Sums the first `count` columns, in as many vectors as it takes.
// REQUIRES: they fill one vector V, and at most kVectors.
template <class V, int kVectors>
void SumFewVectors(const float* x, int64_t rows, int64_t columns, int64_t count,
                   float* sums) {
  constexpr int64_t kWidth = sizeof(V) / sizeof(float);
  if constexpr (kVectors > 1) {
    if (count <= (kVectors - 1) * kWidth) {
      return SumFewVectors<V, kVectors - 1>(x, rows, columns, count, sums);
    }
  }
  SumVectors<V, kVectors>(x, rows, columns, count - kWidth, sums);
}

// Sums all of few columns, in vectors of kCount or narrower ones.
// REQUIRES: columns <= 2 * kCount.
template <int kCount>
void SumFewColumns(const float* x, int64_t rows, int64_t columns, float* sums) {
  if constexpr (kCount > 1) {
    if (columns < kCount) {
      return SumFewColumns<kCount / 2>(x, rows, columns, sums);
    }
  }
  SumFewVectors<typename VectorOf<kCount>::Type, 2>(x, rows, columns, columns,
                                                    sums);
}

void ColumnSums(const float* x, int64_t rows, int64_t columns, float* sums) {
  if (columns < kLanes) {
    if (columns > 0) SumFewColumns<kLanes / 2>(x, rows, columns, sums);
    return;
  }
  constexpr int64_t kBlock = kSumVectors * kLanes;
  int64_t c = 0;
  for (; columns - c > kBlock; c += kBlock) {
    SumVectors<Vector, kSumVectors>(x + c, rows, columns, kBlock - kLanes,
                                    sums + c);
  }
  // What is left may begin before its first column, to fill a vector.
  if (columns - c < kLanes) c = columns - kLanes;
  SumFewVectors<Vector, kSumVectors>(x + c, rows, columns, columns - c,
                                     sums + c);
}
