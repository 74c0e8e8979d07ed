#include "tests/reference.h"

#include <algorithm>
#include <cmath>

namespace batchsweep::reference {
namespace {

constexpr size_t kGuards = 64;
constexpr float kGuard = -12345.678f;

}  // namespace

std::vector<float> RandomFloats(size_t count, float low, float high, Rng& rng) {
  std::vector<float> values(count);
  for (float& value : values) {
    value = low + (high - low) * static_cast<float>(rng.Uniform());
  }
  return values;
}

std::vector<double> MatMul(std::span<const float> a, std::span<const float> b,
                           int64_t m, int64_t k, int64_t n) {
  std::vector<double> c(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (int64_t l = 0; l < k; ++l) {
        sum += static_cast<double>(a[static_cast<size_t>(i * k + l)]) *
               b[static_cast<size_t>(l * n + j)];
      }
      c[static_cast<size_t>(i * n + j)] = sum;
    }
  }
  return c;
}

std::vector<float> Transposed(std::span<const float> x, int64_t rows,
                              int64_t columns) {
  std::vector<float> y(x.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      y[static_cast<size_t>(c * rows + r)] =
          x[static_cast<size_t>(r * columns + c)];
    }
  }
  return y;
}

std::vector<double> Softmax(std::span<const float> logits, int64_t rows,
                            int64_t classes) {
  std::vector<double> probabilities(logits.begin(), logits.end());
  for (int64_t r = 0; r < rows; ++r) {
    const std::span<double> row(probabilities.data() + r * classes,
                                static_cast<size_t>(classes));
    const double highest = std::ranges::max(row);
    double sum = 0.0;
    for (double& value : row) sum += value = std::exp(value - highest);
    for (double& value : row) value /= sum;
  }
  return probabilities;
}

bool AllNear(std::span<const float> got, std::span<const double> want,
             double absolute, double relative) {
  if (got.size() != want.size()) return false;
  for (size_t i = 0; i < got.size(); ++i) {
    // Written so that NaN is not near anything.
    if (!(std::abs(got[i] - want[i]) <=
          absolute + relative * std::abs(want[i]))) {
      return false;
    }
  }
  return true;
}

GuardedFloats::GuardedFloats(int64_t count, int64_t misalignment)
    : storage_(static_cast<size_t>(count) + 3 * kGuards, kGuard),
      count_(static_cast<size_t>(count)) {
  const auto address = reinterpret_cast<uintptr_t>(storage_.data());
  const size_t to_line = (64 - address % 64) % 64 / sizeof(float);
  begin_ = kGuards + to_line + static_cast<size_t>(misalignment);
}

GuardedFloats::GuardedFloats(std::span<const float> values,
                             int64_t misalignment)
    : GuardedFloats(static_cast<int64_t>(values.size()), misalignment) {
  std::ranges::copy(values, data());
}

bool GuardedFloats::GuardsIntact() const {
  for (size_t i = 0; i < storage_.size(); ++i) {
    const bool inside = i >= begin_ && i < begin_ + count_;
    if (!inside && storage_[i] != kGuard) return false;
  }
  return true;
}

}  // namespace batchsweep::reference
