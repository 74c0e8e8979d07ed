#include "tests/reference.h"

#include <algorithm>
#include <cmath>

namespace batchsweep::reference {
namespace {

constexpr size_t kGuards = 64;
constexpr float kGuard = -12345.678f;

double Activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    default:
      return x;  // softmax is part of the loss
  }
}

// -log softmax(logits)[label]
double CrossEntropy(std::span<const double> logits, size_t label) {
  double sum = 0.0;
  for (const double logit : logits) sum += std::exp(logit - logits[label]);
  return std::log(sum);
}

std::vector<double> ModelLogits(const ModelSpec& model,
                                const std::vector<std::vector<double>>& weights,
                                std::vector<double> x) {
  size_t param = 0;
  for (const LayerSpec& layer : model.layers) {
    Activation activation = Activation::kLinear;
    if (const auto* dense = std::get_if<DenseSpec>(&layer)) {
      const auto& kernel = weights[param++];
      const auto out = static_cast<size_t>(dense->units);
      std::vector<double> y(out, 0.0);
      if (dense->use_bias) y = weights[param++];
      for (size_t i = 0; i < x.size(); ++i) {
        for (size_t o = 0; o < out; ++o) y[o] += x[i] * kernel[i * out + o];
      }
      x = y;
      activation = dense->activation;
    } else if (const auto* spec = std::get_if<ActivationSpec>(&layer)) {
      activation = spec->activation;
    }
    for (double& value : x) value = Activate(activation, value);
  }
  return x;
}

}  // namespace

double ModelLoss(const ModelSpec& model,
                 const std::vector<std::vector<double>>& weights,
                 std::span<const float> x, std::span<const uint8_t> labels) {
  const size_t in = x.size() / labels.size();
  double sum = 0.0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto example = x.subspan(i * in, in);
    sum += CrossEntropy(
        ModelLogits(model, weights, {example.begin(), example.end()}),
        labels[i]);
  }
  return sum / static_cast<double>(labels.size());
}

std::vector<std::vector<double>> ModelLossGradient(
    const ModelSpec& model, std::vector<std::vector<double>> weights,
    std::span<const float> x, std::span<const uint8_t> labels) {
  constexpr double kStep = 1e-6;
  std::vector<std::vector<double>> gradient = weights;
  for (size_t p = 0; p < weights.size(); ++p) {
    for (size_t i = 0; i < weights[p].size(); ++i) {
      const double weight = weights[p][i];
      weights[p][i] = weight + kStep;
      const double above = ModelLoss(model, weights, x, labels);
      weights[p][i] = weight - kStep;
      const double below = ModelLoss(model, weights, x, labels);
      weights[p][i] = weight;
      gradient[p][i] = (above - below) / (2 * kStep);
    }
  }
  return gradient;
}

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
