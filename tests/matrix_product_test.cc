#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "graph/arithmetic.h"
#include "kernels/kernels.h"
#include "tests/reference.h"

namespace batchsweep {
namespace {

using reference::AllNear;
using reference::GuardedFloats;
using reference::RandomFloats;

std::vector<const Kernels*> AllKernels() {
  return KernelsUpTo(DetectCpu().value().isa);
}

enum class Start { kZero, kBias, kC };

// A product's sizes, and how its operands lie: a as (k, m), or through offsets
// as (m, k); b as (k, n).
struct Sizes {
  int64_t m = 1;
  int64_t n = 1;
  int64_t bands = 1;
  int64_t rows = 1;
  bool offsets = false;
  Start start = Start::kZero;
  int64_t k() const { return bands * rows; }
};

// Random operands of such a product, a float off any alignment.
class Operands {
 public:
  explicit Operands(const Sizes& sizes)
      : sizes_(sizes),
        rng_(11, 0),
        a_(Random(sizes.k() * sizes.m)),
        b_(Random(sizes.k() * sizes.n)),
        bias_(Random(sizes.n)),
        c_(Random(sizes.m * sizes.n)) {
    for (int64_t i = 0; i < sizes.m; ++i) {
      offsets_.push_back(static_cast<int32_t>(i * sizes.k()));
    }
  }

  // Of the product that writes to c, which holds c_before() already.
  MatrixProduct ProductInto(float* c) const {
    const int64_t step = sizes_.offsets ? 1 : sizes_.m;
    return {.a = a_.data() + 1,
            .a_stride = step,
            .a_band_stride = sizes_.rows * step,
            .a_offsets = sizes_.offsets ? offsets_.data() : nullptr,
            .b = b_.data() + 1,
            .b_stride = sizes_.n,
            .b_band_stride = sizes_.rows * sizes_.n,
            .bands = sizes_.bands,
            .rows = sizes_.rows,
            .m = sizes_.m,
            .n = sizes_.n,
            .c = c,
            .c_stride = sizes_.n,
            .accumulate = sizes_.start == Start::kC,
            .bias = sizes_.start == Start::kBias ? bias_.data() + 1 : nullptr};
  }
  std::span<const float> c_before() const { return Behind(c_); }

  // The plain triple loop: add(sum, a, b) is the next sum.
  template <class Number, class Add>
  std::vector<Number> Naive(const Add& add) const {
    std::vector<Number> sums;
    for (int64_t i = 0; i < sizes_.m; ++i) {
      for (int64_t j = 0; j < sizes_.n; ++j) {
        Number sum = FirstOf(i, j);
        for (int64_t k = 0; k < sizes_.k(); ++k) {
          const int64_t at =
              sizes_.offsets ? i * sizes_.k() + k : k * sizes_.m + i;
          sum = add(sum, Number{Behind(a_)[static_cast<size_t>(at)]},
                    Number{Behind(b_)[static_cast<size_t>(k * sizes_.n + j)]});
        }
        sums.push_back(sum);
      }
    }
    return sums;
  }

 private:
  std::vector<float> Random(int64_t count) {
    return RandomFloats(static_cast<size_t>(count) + 1, -1, 1, rng_);
  }
  static std::span<const float> Behind(const std::vector<float>& values) {
    return std::span(values).subspan(1);
  }
  float FirstOf(int64_t i, int64_t j) const {
    switch (sizes_.start) {
      case Start::kZero:
        return 0.0f;
      case Start::kBias:
        return Behind(bias_)[static_cast<size_t>(j)];
      case Start::kC:
        return c_before()[static_cast<size_t>(i * sizes_.n + j)];
    }
    return 0.0f;
  }

  Sizes sizes_;
  Rng rng_;
  std::vector<float> a_, b_, bias_, c_;
  std::vector<int32_t> offsets_;
};

std::vector<double> NaiveInDouble(const Operands& operands) {
  return operands.Naive<double>(
      [](double sum, double a, double b) { return sum + a * b; });
}

// Whether every float is that of a naive sum in ascending order: fused, as all
// CPUs with fma compute it, or by the rounded product, as the others do.
bool BitsAreThoseOfAscendingSums(std::span<float> c, const Operands& operands) {
  const auto same = [&](const std::vector<float>& want) {
    return std::memcmp(c.data(), want.data(), c.size_bytes()) == 0;
  };
  return same(operands.Naive<float>([](float sum, float a, float b) {
           return std::fma(a, b, sum);
         })) ||
         same(operands.Naive<float>([](float sum, float a, float b) {
           // In memory, so that the compiler does not fuse it.
           volatile const float product = a * b;
           return sum + product;
         }));
}

void CheckProduct(const Sizes& sizes) {
  const Operands operands(sizes);
  const std::vector<double> want = NaiveInDouble(operands);
  const float accuracy = 2e-5f * static_cast<float>(1 + sizes.k() / 300);
  for (const Kernels* kernels : AllKernels()) {
    INFO(IsaName(kernels->isa) << " " << sizes.m << " x " << sizes.bands << "*"
                               << sizes.rows << " x " << sizes.n);
    GuardedFloats c(operands.c_before(), 1);
    kernels->matrix_product(operands.ProductInto(c.data()));
    CHECK(AllNear(c.values(), want, accuracy, accuracy));
    CHECK(BitsAreThoseOfAscendingSums(c.values(), operands));
    CHECK(c.GuardsIntact());
  }
}

TEST_CASE("matrix products match the naive one for ragged sizes and bands",
          "[kernels][matrix_product]") {
  const auto [bands, rows] = GENERATE(std::pair<int64_t, int64_t>{1, 1},
                                      std::pair<int64_t, int64_t>{1, 300},
                                      std::pair<int64_t, int64_t>{3, 7});
  CheckProduct({.m = GENERATE(1, 2, 5, 6, 13, 29),
                .n = GENERATE(1, 3, 10, 16, 17, 37, 64, 150),
                .bands = bands,
                .rows = rows,
                .offsets = GENERATE(false, true),
                .start = GENERATE(Start::kZero, Start::kBias, Start::kC)});
}

TEST_CASE("a product is right for every number of rows and of few columns",
          "[kernels][matrix_product]") {
  const int64_t m = GENERATE(range(int64_t{1}, int64_t{27}));
  for (int64_t n = 1; n <= 34; ++n) {
    for (const bool offsets : {false, true}) {
      CheckProduct(
          {.m = m, .n = n, .rows = 9, .offsets = offsets, .start = Start::kC});
    }
  }
}

// Operands that are cut into blocks, whose rows are copied together, or that
// are hardly read: each with sizes that leave something over.
TEST_CASE("products of large operands have the bits of small ones",
          "[kernels][matrix_product]") {
  const Sizes sizes = GENERATE(Sizes{.m = 251, .n = 523, .rows = 131},
                               Sizes{.m = 499, .n = 35, .rows = 300},
                               Sizes{.m = 1030, .n = 21, .rows = 259},
                               Sizes{.m = 100, .n = 300, .rows = 7},
                               Sizes{.m = 9, .n = 40, .rows = 2100});
  const bool offsets = GENERATE(false, true);
  const Start start = GENERATE(Start::kBias, Start::kC);
  CheckProduct({.m = sizes.m,
                .n = sizes.n,
                .rows = sizes.rows,
                .offsets = offsets,
                .start = start});
}

TEST_CASE("columns of a that lie far apart are multiplied all the same",
          "[kernels][matrix_product]") {
  CheckProduct({.m = 1100,
                .n = 20,
                .rows = 140,
                .start = GENERATE(Start::kZero, Start::kBias, Start::kC)});
}

TEST_CASE("a product is clamped once, after its whole sum",
          "[kernels][matrix_product]") {
  // Sums of many parts pass the limits on their way.
  const int64_t rows = GENERATE(5, 300);
  const auto [low, high] =
      GENERATE(std::pair{0.0f, std::numeric_limits<float>::infinity()},
               std::pair{0.0f, 6.0f}, std::pair{-0.5f, 0.25f});
  const Sizes sizes{.m = GENERATE(1, 8, 1100),
                    .n = GENERATE(3, 16, 37),
                    .rows = rows,
                    .offsets = GENERATE(false, true),
                    .start = GENERATE(Start::kBias, Start::kC)};
  const Operands operands(sizes);
  std::vector<double> want = NaiveInDouble(operands);
  for (double& value : want) {
    value = std::clamp<double>(value, low, high);
  }
  for (const Kernels* kernels : AllKernels()) {
    INFO(IsaName(kernels->isa));
    GuardedFloats c(operands.c_before(), 1);
    MatrixProduct product = operands.ProductInto(c.data());
    product.low = low;
    product.high = high;
    kernels->matrix_product(product);
    CHECK(AllNear(c.values(), want, 2e-5, 2e-5));
    CHECK(c.GuardsIntact());
  }
}

TEST_CASE("a clamp lets NaN through, so that it can be noticed",
          "[kernels][matrix_product]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Kernels* kernels : AllKernels()) {
    std::vector<float> c(40);
    const std::vector<float> b(40, 1.0f);
    kernels->matrix_product({.a = &nan,
                             .b = b.data(),
                             .rows = 1,
                             .m = 1,
                             .n = 40,
                             .c = c.data(),
                             .low = 0.0f,
                             .high = 6.0f});
    CHECK(std::ranges::all_of(c, [](float v) { return std::isnan(v); }));
  }
}

TEST_CASE("threads share a product out along what balances and reads least",
          "[matrix_product][threads]") {
  using By = ProductSplit::By;
  const struct {
    int64_t m, n;
    int threads;
    By by;
    int64_t piece;
  } cases[] = {
      {.m = 5408, .n = 8, .threads = 2, .by = By::kRows, .piece = 2706},
      {.m = 5408, .n = 128, .threads = 2, .by = By::kRows, .piece = 2706},
      {.m = 8, .n = 512, .threads = 4, .by = By::kColumns, .piece = 128},
      // Eight columns are less than a tile, which is not shared.
      {.m = 8, .n = 8, .threads = 2, .by = By::kRows, .piece = 6},
      {.m = 80, .n = 64, .threads = 4, .by = By::kColumns, .piece = 16},
      {.m = 64, .n = 80, .threads = 4, .by = By::kRows, .piece = 18},
  };
  for (const auto& [m, n, threads, by, piece] : cases) {
    INFO(m << " x " << n << " on " << threads);
    const ProductSplit split =
        SplitOf({.rows = 10, .m = m, .n = n}, ThreadPool(threads));
    CHECK(split.by == by);
    CHECK(split.piece == piece);
  }
}

TEST_CASE("a product has the same bits on any number of threads",
          "[matrix_product][threads]") {
  const Sizes sizes = GENERATE(Sizes{.m = 100, .n = 10, .rows = 40},
                               Sizes{.m = 8, .n = 150, .rows = 300},
                               Sizes{.m = 530, .n = 520, .rows = 140});
  const bool offsets = GENERATE(false, true);
  const Operands operands({.m = sizes.m,
                           .n = sizes.n,
                           .rows = sizes.rows,
                           .offsets = offsets,
                           .start = Start::kBias});
  const Kernels& kernels = *AllKernels().back();
  std::vector<float> want(static_cast<size_t>(sizes.m * sizes.n));
  kernels.matrix_product(operands.ProductInto(want.data()));
  for (const int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    GuardedFloats c(operands.c_before(), 1);
    RunProduct(operands.ProductInto(c.data()), kernels, pool);
    CHECK(std::ranges::equal(c.values(), want));
    CHECK(c.GuardsIntact());
  }
}

}  // namespace
}  // namespace batchsweep
