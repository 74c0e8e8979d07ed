// The kernels of batch normalisation against naive twins in double precision,
// on every instruction set. kernels_test.cc has those of biases.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "kernels/kernels.h"
#include "tests/reference.h"

namespace batchsweep {
namespace {

using reference::AllNear;
using reference::GuardedFloats;
using reference::RandomFloats;

// A matrix (rows, columns) with what each column is scaled and shifted by.
struct Matrices {
  int64_t rows, columns;
  std::vector<float> x, dy, a, b, d;

  Matrices(int64_t row_count, int64_t column_count, float around)
      : rows(row_count), columns(column_count) {
    Rng rng(41, static_cast<uint64_t>(columns));
    const auto draw = [&](int64_t count) {
      return RandomFloats(static_cast<size_t>(count), -1, 1, rng);
    };
    x = draw(rows * columns);
    for (float& value : x) value += around;
    dy = draw(rows * columns);
    a = draw(columns);
    b = draw(columns);
    d = draw(columns);
    for (float& value : d) value += around;
  }

  // What term(place in the matrix, column) gives at each place.
  template <class Term>
  std::vector<double> Map(const Term& term) const {
    std::vector<double> values;
    for (size_t at = 0; at < x.size(); ++at) {
      values.push_back(term(at, at % static_cast<size_t>(columns)));
    }
    return values;
  }
  // Its sum over each column.
  template <class Term>
  std::vector<double> Sum(const Term& term) const {
    std::vector<double> sums(static_cast<size_t>(columns), 0.0);
    const auto values = Map(term);
    for (size_t at = 0; at < values.size(); ++at) {
      sums[at % sums.size()] += values[at];
    }
    return sums;
  }
  double X(size_t at) const { return static_cast<double>(x[at]); }
  double Dy(size_t at) const { return static_cast<double>(dy[at]); }
};

// The activations that batch normalisation computes itself.
struct Clamp {
  float low = -__builtin_inff();
  float high = __builtin_inff();
};
constexpr Clamp kLinear = {};
constexpr Clamp kRelu = {.low = 0.0f};
constexpr Clamp kRelu6 = {.low = 0.0f, .high = 0.6f};  // 6, for values below 1

TEST_CASE("columns are scaled, shifted and clamped, in place or not",
          "[kernels][batch_norm]") {
  const int64_t columns = GENERATE(1, 3, 4, 6, 8, 13, 16, 31, 64, 100, 3000);
  const int64_t rows = GENERATE(1, 5, 90);
  const auto [low, high] = GENERATE(kLinear, kRelu, kRelu6);
  const Matrices m(rows, columns, 0.0f);
  const ColumnScaling scaling{
      .scale = m.a.data(), .offset = m.b.data(), .low = low, .high = high};
  const auto scaled = [&](size_t at, size_t c) {
    return m.X(at) * double{m.a[c]} + double{m.b[c]};
  };
  const auto clamped = m.Map([&](size_t at, size_t c) {
    return std::clamp(scaled(at, c), double{low}, double{high});
  });
  const bool gated = std::isfinite(low);
  const auto grad = m.Map([&](size_t at, size_t c) {
    const bool passes = scaled(at, c) > low && scaled(at, c) < high;
    return (passes ? m.Dy(at) : 0.0) * double{m.a[c]} +
           m.X(at) * double{m.b[c]} + double{m.d[c]};
  });
  for (const Kernels* kernels : KernelsUpTo(DetectCpu().value().isa)) {
    INFO(IsaName(kernels->isa) << ", " << rows << " x " << columns);
    GuardedFloats y(m.x, 1);
    kernels->affine(y.data(), scaling, rows, columns, y.data());
    CHECK(AllNear(y.values(), clamped, 2e-7, 2e-7));
    CHECK(y.GuardsIntact());
    GuardedFloats dx(m.dy, 3);
    kernels->normalization_grad(m.x.data(), dx.data(), m.a.data(), m.b.data(),
                                m.d.data(), gated ? &scaling : nullptr, rows,
                                columns, dx.data());
    CHECK(AllNear(dx.values(), grad, 4e-7, 2e-7));
    CHECK(dx.GuardsIntact());
  }
}

TEST_CASE("a clamp of columns lets NaN through", "[kernels][batch_norm]") {
  const std::vector<float> x(21, std::nanf("")), one(21, 1.0f);
  for (const Kernels* kernels : KernelsUpTo(DetectCpu().value().isa)) {
    std::vector<float> y(21);
    kernels->affine(
        x.data(),
        {.scale = one.data(), .offset = one.data(), .low = 0.0f, .high = 6.0f},
        1, 21, y.data());
    CHECK(std::ranges::all_of(y, [](float v) { return std::isnan(v); }));
  }
}

TEST_CASE("sums over columns match naive twins, far from zero too",
          "[kernels][batch_norm]") {
  const int64_t columns = GENERATE(1, 3, 4, 6, 8, 13, 16, 31, 64, 100);
  const int64_t rows = GENERATE(1, 3, 4, 7, 256);
  const float around = GENERATE(0.0f, 1000.0f);
  const bool gated = GENERATE(false, true);
  const Matrices m(rows, columns, around);
  // Of x between around - 1 and around + 1, those in the middle pass.
  const std::vector<float> one(static_cast<size_t>(columns), 1.0f);
  const std::vector<float> back(static_cast<size_t>(columns), -around);
  const ColumnScaling gate{
      .scale = one.data(), .offset = back.data(), .low = -0.5f, .high = 0.25f};
  const auto shifted = [&](size_t at, size_t c) {
    return m.X(at) - double{m.d[c]};
  };
  const auto passed = [&](size_t at, size_t) {
    const double value = m.X(at) - double{around};
    return !gated || (value > -0.5 && value < 0.25) ? m.Dy(at) : 0.0;
  };
  const auto sums = m.Sum(shifted);
  const auto squares = m.Sum(
      [&](size_t at, size_t c) { return shifted(at, c) * shifted(at, c); });
  const auto dy_sums = m.Sum(passed);
  const auto products = m.Sum(
      [&](size_t at, size_t c) { return passed(at, c) * shifted(at, c); });
  for (const Kernels* kernels : KernelsUpTo(DetectCpu().value().isa)) {
    INFO(IsaName(kernels->isa) << ", " << rows << " x " << columns);
    GuardedFloats first(columns, 1), second(columns, 3);
    kernels->shifted_moments(m.x.data(), m.d.data(), rows, columns,
                             first.data(), second.data());
    CHECK(AllNear(first.values(), sums, 2e-5, 1e-6));
    CHECK(AllNear(second.values(), squares, 2e-5, 1e-6));
    CHECK((first.GuardsIntact() && second.GuardsIntact()));
    kernels->gradient_moments(m.x.data(), m.dy.data(), m.d.data(),
                              gated ? &gate : nullptr, rows, columns,
                              first.data(), second.data());
    CHECK(AllNear(first.values(), dy_sums, 2e-5, 1e-6));
    CHECK(AllNear(second.values(), products, 2e-5, 1e-6));
    CHECK((first.GuardsIntact() && second.GuardsIntact()));
  }
}

TEST_CASE("means, variances and deviations follow from the sums",
          "[kernels][batch_norm]") {
  const int64_t columns = GENERATE(1, 2, 7, 16, 33);
  const Matrices m(2, columns, 0.0f);
  const auto size = static_cast<size_t>(columns);
  for (const Kernels* kernels : KernelsUpTo(DetectCpu().value().isa)) {
    INFO(IsaName(kernels->isa) << ", " << columns << " columns");
    std::vector<double> sums(size, 1.0), squares(size, -1.0);
    kernels->add_to_totals(m.a.data(), columns, sums.data());
    kernels->add_to_totals(m.dy.data(), columns, squares.data());
    const std::vector<double> sum = sums, square = squares;
    kernels->finish_moments(m.b.data(), 8.0, columns, sums.data(),
                            squares.data());
    std::vector<double> deviations(size);
    kernels->inverse_deviations(squares.data(), 1e-3, columns,
                                deviations.data());
    for (size_t c = 0; c < size; ++c) {
      CHECK(sum[c] == 1.0 + double{m.a[c]});
      CHECK(square[c] == double{m.dy[c]} - 1.0);
      CHECK(std::abs(sums[c] - (double{m.b[c]} + sum[c] / 8)) < 1e-15);
      const double variance =
          std::max(square[c] / 8 - sum[c] / 8 * (sum[c] / 8), 0.0);
      CHECK(std::abs(squares[c] - variance) < 1e-15);
      CHECK(std::abs(deviations[c] * std::sqrt(variance + 1e-3) - 1) < 1e-14);
    }
  }
}

}  // namespace
}  // namespace batchsweep
