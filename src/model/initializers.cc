#include "model/initializers.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "util/check.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

constexpr uint64_t kWeightsStream = 1;

// The standard deviation of a standard normal cut off at 2 on both sides.
constexpr double kTruncatedDeviation = 0.87962566103423978;

struct Fans {
  double in;
  double out;
};

// Keras takes the length of a vector for both fans, and the dimensions in front
// of the last two for the receptive field, which multiplies both.
Fans CountFans(const Shape& shape) {
  const std::vector<int64_t>& dims = shape.dims;
  if (dims.empty()) return {1.0, 1.0};
  const auto out = static_cast<double>(dims.back());
  const auto elements = static_cast<double>(shape.elements());
  if (dims.size() == 1) return {out, out};
  return {elements / out,
          elements / static_cast<double>(dims[dims.size() - 2])};
}

void FillConstant(float value, std::span<float> values) {
  std::ranges::fill(values, value);
}

// Draws from U(-limit, limit).
void FillUniform(double limit, Rng& rng, std::span<float> values) {
  for (float& value : values) {
    value = static_cast<float>(limit * (2.0 * rng.Uniform() - 1.0));
  }
}

double TruncatedNormal(Rng& rng) {
  double draw = rng.Normal();
  while (std::abs(draw) > 2.0) draw = rng.Normal();
  return draw;
}

// Draws from a normal distribution that is wide enough to have this deviation
// after its tails beyond two deviations are cut off.
void FillTruncatedNormal(double deviation, Rng& rng, std::span<float> values) {
  const double widened = deviation / kTruncatedDeviation;
  for (float& value : values) {
    value = static_cast<float>(widened * TruncatedNormal(rng));
  }
}

// Makes each value offset + scale * draw().
template <class Draw>
void FillScaled(double offset, double scale, Draw draw,
                std::span<float> values) {
  for (float& value : values) {
    value = static_cast<float>(offset + scale * draw());
  }
}

void Fill(const Initializer& told, const Fans& fans, Rng& rng,
          std::span<float> values) {
  using enum Initializer::Kind;
  switch (told.kind) {
    case kZeros:
      return FillConstant(0.0f, values);
    case kOnes:
      return FillConstant(1.0f, values);
    case kConstant:
      return FillConstant(told.value, values);
    case kGlorotUniform:
      return FillUniform(std::sqrt(6.0 / (fans.in + fans.out)), rng, values);
    case kGlorotNormal:
      return FillTruncatedNormal(std::sqrt(2.0 / (fans.in + fans.out)), rng,
                                 values);
    case kHeUniform:
      return FillUniform(std::sqrt(6.0 / fans.in), rng, values);
    case kHeNormal:
      return FillTruncatedNormal(std::sqrt(2.0 / fans.in), rng, values);
    case kLecunUniform:
      return FillUniform(std::sqrt(3.0 / fans.in), rng, values);
    case kLecunNormal:
      return FillTruncatedNormal(std::sqrt(1.0 / fans.in), rng, values);
    case kRandomUniform:
      return FillScaled(
          told.low, double{told.high} - double{told.low},
          [&] { return rng.Uniform(); }, values);
    case kRandomNormal:
      return FillScaled(
          told.mean, told.deviation, [&] { return rng.Normal(); }, values);
    case kTruncatedNormal:
      return FillScaled(
          told.mean, told.deviation, [&] { return TruncatedNormal(rng); },
          values);
  }
}

}  // namespace

std::vector<NamedTensor> DrawWeights(const std::vector<ParamSpec>& params,
                                     uint64_t seed) {
  std::vector<NamedTensor> tensors;
  std::vector<TensorView> views;
  for (const ParamSpec& param : params) {
    NamedTensor& tensor = tensors.emplace_back(param.name, param.shape);
    tensor.values.resize(static_cast<size_t>(param.shape.elements()));
    views.push_back({param.name, param.shape, tensor.values});
  }
  DrawWeightsInto(params, seed, views);
  return tensors;
}

void DrawWeightsInto(const std::vector<ParamSpec>& params, uint64_t seed,
                     std::span<const TensorView> tensors) {
  CHECK(tensors.size() == params.size());
  Rng rng(seed, kWeightsStream);
  for (size_t i = 0; i < params.size(); ++i) {
    CHECK(tensors[i].shape == params[i].shape);
    Fill(params[i].initializer, CountFans(params[i].shape), rng,
         tensors[i].values);
  }
}

Result<std::vector<NamedTensor>> ReadWeights(
    const std::vector<ParamSpec>& params, const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(std::vector<NamedTensor> found, ReadSafetensors(path));
  std::vector<NamedTensor> tensors;
  for (const ParamSpec& param : params) {
    const auto tensor =
        std::ranges::find(found, param.name, &NamedTensor::name);
    if (tensor == found.end()) {
      return Fail("{}: no tensor \"{}\"; expected one of shape {}",
                  path.string(), param.name, param.shape.ToString());
    }
    if (tensor->shape != param.shape) {
      return Fail("{}: tensor \"{}\" has shape {}, expected {}", path.string(),
                  param.name, tensor->shape.ToString(), param.shape.ToString());
    }
    tensors.push_back(std::move(*tensor));
    found.erase(tensor);
  }
  if (!found.empty()) {
    return Fail("{}: tensor \"{}\" is not in the model; remove it",
                path.string(), found.front().name);
  }
  return tensors;
}

}  // namespace batchsweep
