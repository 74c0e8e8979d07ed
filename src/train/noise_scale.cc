#include "train/noise_scale.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace batchsweep {
namespace {

template <class... Specs>
bool IsAnyOf(const LayerSpec& layer) {
  return (std::holds_alternative<Specs>(layer) || ...);
}

bool HasParamsIn(const LayerSpec& layer, NoiseScope scope) {
  switch (scope) {
    case NoiseScope::kNone:
      return true;
    case NoiseScope::kDense:
      return IsAnyOf<DenseSpec>(layer);
    case NoiseScope::kAll:
      return IsAnyOf<DenseSpec, Conv2DSpec, DepthwiseConv2DSpec,
                     SeparableConv2DSpec>(layer);
  }
  return false;
}

}  // namespace

std::optional<NoiseEstimate> EstimateNoise(const GradientNorms& norms,
                                           int64_t batch) {
  if (batch < 2) return std::nullopt;
  const auto size = static_cast<double>(batch);
  // A share is an example's own gradient over the batch size, and this is the
  // mean of the squares of these: B^2 times the shares', over B.
  const double small = size * norms.share_squares;
  const double big = norms.mean_square;
  if (!std::isfinite(small) || !std::isfinite(big)) return std::nullopt;
  return NoiseEstimate{.trace = (small - big) / (1.0 - 1.0 / size),
                       .gradient_square = (size * big - small) / (size - 1.0)};
}

void NoiseTotals::Add(const std::optional<NoiseEstimate>& estimate,
                      int64_t step_time_ns) {
  time_ns += step_time_ns;
  if (!estimate) return;
  ++steps;
  trace += estimate->trace;
  gradient_square += estimate->gradient_square;
}

std::optional<NoiseEstimate> NoiseTotals::Mean() const {
  if (steps == 0) return std::nullopt;
  const auto count = static_cast<double>(steps);
  return NoiseEstimate{.trace = trace / count,
                       .gradient_square = gradient_square / count};
}

std::optional<double> NoiseScale(const NoiseEstimate& mean) {
  if (!(mean.gradient_square > 0.0)) return std::nullopt;
  const double scale = mean.trace / mean.gradient_square;
  return std::isfinite(scale) ? std::optional(scale) : std::nullopt;
}

Status CheckNoiseScope(const ModelSpec& model, NoiseScope scope) {
  if (scope == NoiseScope::kNone) return {};
  const bool normalizes =
      std::ranges::any_of(model.layers, IsAnyOf<BatchNormalizationSpec>);
  if (normalizes) {
    return Fail(
        "--noise-scale {}: the model has batch normalization, whose statistics "
        "over the batch couple its examples, so that none has a gradient of "
        "its own; leave --noise-scale out or choose a model without it",
        NameOf(scope));
  }
  const bool any = std::ranges::any_of(
      model.layers,
      [&](const LayerSpec& layer) { return HasParamsIn(layer, scope); });
  if (any) return {};
  return Fail(
      "--noise-scale {}: expected a model with {}, found none; choose {}",
      NameOf(scope),
      scope == NoiseScope::kDense ? "a dense layer"
                                  : "dense layers or convolutions",
      scope == NoiseScope::kDense ? "--noise-scale all" : "another model");
}

}  // namespace batchsweep
