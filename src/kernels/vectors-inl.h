// Vectors of several sizes; included by kernels-inl.h before all that compute
// with them. Channels go in the widest vectors that they fill: those of a small
// network are often fewer than the widest has.

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

// The widest. The alignment is a float's: rows of tensors may begin at any
// float.
typedef float Vector __attribute__((vector_size(4 * kLanes), aligned(4)));

inline const Vector& Load(const float* p) {
  return *reinterpret_cast<const Vector*>(p);
}
inline void Store(float* p, const Vector& v) {
  *reinterpret_cast<Vector*>(p) = v;
}

template <int kCount>
struct VectorOf {
  typedef float Type __attribute__((vector_size(4 * kCount)));
  typedef int32_t Integers __attribute__((vector_size(4 * kCount)));
};

// Rows of tensors may begin at any float: a copy asks for no alignment, and
// becomes one instruction. (As an attribute of the type, an alignment would be
// lost where the type is a template's argument.)
template <class V>
[[gnu::always_inline]] inline V LoadAs(const float* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
template <class V>
[[gnu::always_inline]] inline void StoreAs(float* p, V v) {
  __builtin_memcpy(p, &v, sizeof(v));
}

// Calls body<V>(first column) for all columns, for vectors V that together
// cover each column once.
template <int kCount = kLanes, class Body>
[[gnu::always_inline]] inline void ForEachVector(int64_t columns,
                                                 const Body& body,
                                                 int64_t first = 0) {
  for (; first + kCount <= columns; first += kCount) {
    body.template operator()<typename VectorOf<kCount>::Type>(first);
  }
  if constexpr (kCount > 4) {
    ForEachVector<kCount / 2>(columns, body, first);
  } else if constexpr (kCount > 1) {
    ForEachVector<1>(columns, body, first);
  }
}

// The same for bodies that do no harm when they are run twice on a column:
// columns that fill no vector are taken by one that begins before them.
template <class Body>
[[gnu::always_inline]] inline void ForEachVectorOverlapping(int64_t columns,
                                                            const Body& body) {
  const int64_t rest = columns % 4;
  if (rest == 0 || columns < 4) return ForEachVector(columns, body);
  ForEachVector(columns - rest, body);
  body.template operator()<VectorOf<4>::Type>(columns - 4);
}
