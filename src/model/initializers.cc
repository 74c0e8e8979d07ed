#include "model/initializers.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

// As Keras counts: a vector's length is both; in front of the last two
// dimensions stands the receptive field.
Fans CountFans(const Shape& shape) {
  const std::vector<int64_t>& dims = shape.dims;
  if (dims.empty()) return {1.0, 1.0};
  const auto out = static_cast<double>(dims.back());
  const auto elements = static_cast<double>(shape.elements());
  if (dims.size() == 1) return {out, out};
  return {elements / out,
          elements / static_cast<double>(dims[dims.size() - 2])};
}

void FillUniform(double limit, Rng& rng, std::vector<float>& values) {
  for (float& value : values) {
    value = static_cast<float>(limit * (2.0 * rng.Uniform() - 1.0));
  }
}

double TruncatedNormal(Rng& rng) {
  double draw = rng.Normal();
  while (std::abs(draw) > 2.0) draw = rng.Normal();
  return draw;
}

void FillTruncatedNormal(double deviation, Rng& rng,
                         std::vector<float>& values) {
  const double widened = deviation / kTruncatedDeviation;
  for (float& value : values) {
    value = static_cast<float>(widened * TruncatedNormal(rng));
  }
}

void FillAsTold(const Initializer& told, Rng& rng, std::vector<float>& values) {
  using enum Initializer::Kind;
  for (float& value : values) {
    const double draw = told.kind == kRandomUniform  ? rng.Uniform()
                        : told.kind == kRandomNormal ? rng.Normal()
                                                     : TruncatedNormal(rng);
    const double low = told.low;
    value = static_cast<float>(told.kind == kRandomUniform
                                   ? low + (told.high - low) * draw
                                   : told.mean + told.deviation * draw);
  }
}

std::vector<float> Draw(const ParamSpec& param, Rng& rng) {
  using enum Initializer::Kind;
  const auto [fan_in, fan_out] = CountFans(param.shape);
  std::vector<float> values(static_cast<size_t>(param.shape.elements()));
  switch (param.initializer.kind) {
    case kZeros:
      break;
    case kOnes:
      std::ranges::fill(values, 1.0f);
      break;
    case kConstant:
      std::ranges::fill(values, param.initializer.value);
      break;
    case kGlorotUniform:
      FillUniform(std::sqrt(6.0 / (fan_in + fan_out)), rng, values);
      break;
    case kGlorotNormal:
      FillTruncatedNormal(std::sqrt(2.0 / (fan_in + fan_out)), rng, values);
      break;
    case kHeUniform:
      FillUniform(std::sqrt(6.0 / fan_in), rng, values);
      break;
    case kHeNormal:
      FillTruncatedNormal(std::sqrt(2.0 / fan_in), rng, values);
      break;
    case kLecunUniform:
      FillUniform(std::sqrt(3.0 / fan_in), rng, values);
      break;
    case kLecunNormal:
      FillTruncatedNormal(std::sqrt(1.0 / fan_in), rng, values);
      break;
    case kRandomUniform:
    case kRandomNormal:
    case kTruncatedNormal:
      FillAsTold(param.initializer, rng, values);
      break;
  }
  return values;
}

}  // namespace

std::vector<NamedTensor> DrawWeights(const std::vector<ParamSpec>& params,
                                     uint64_t seed) {
  Rng rng(seed, kWeightsStream);
  std::vector<NamedTensor> tensors;
  for (const ParamSpec& param : params) {
    tensors.push_back({param.name, param.shape, Draw(param, rng)});
  }
  return tensors;
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
