#include "model/layers/batch_normalization.h"

#include "model/keras_initializer.h"
#include "model/keras_layers.h"

namespace batchsweep {
namespace {

Status CheckInitializer(const KerasOptions& options, const char* key,
                        Initializer::Kind expected) {
  ASSIGN_OR_RETURN(const Initializer found,
                   ReadInitializer(options, key, {expected}));
  if (found.kind == expected) return {};
  return Fail("{}: {} is not Keras' default; batchsweep begins with that",
              options.owner, key);
}

Result<LayerSpec> ReadBatchNormalization(const KerasLayer& layer,
                                         const std::vector<Shape>& inputs) {
  const KerasOptions& options = layer.options;
  // Keras 3 writes a renorm_momentum even if the layer does not renormalise.
  RETURN_IF_ERROR(RefuseOtherOptions(
      options,
      {"axis", "momentum", "epsilon", "center", "scale", "gamma_initializer",
       "beta_initializer", "moving_mean_initializer",
       "moving_variance_initializer", "renorm_momentum"}));
  RETURN_IF_ERROR(CheckLastAxis(options, inputs.front()));
  using enum Initializer::Kind;
  RETURN_IF_ERROR(CheckInitializer(options, "moving_mean_initializer", kZeros));
  RETURN_IF_ERROR(
      CheckInitializer(options, "moving_variance_initializer", kOnes));
  BatchNormalizationSpec norm{.name = layer.name};
  ASSIGN_OR_RETURN(norm.momentum,
                   ReadNumber(options, "momentum", norm.momentum));
  ASSIGN_OR_RETURN(norm.epsilon, ReadNumber(options, "epsilon", norm.epsilon));
  if (norm.momentum < 0.0f || norm.momentum > 1.0f || norm.epsilon <= 0.0f) {
    return Fail(
        "{}: momentum is {} and epsilon {}, expected 0 to 1 and above 0",
        options.owner, norm.momentum, norm.epsilon);
  }
  ASSIGN_OR_RETURN(norm.center, ReadBool(options, "center", true));
  ASSIGN_OR_RETURN(norm.scale, ReadBool(options, "scale", true));
  ASSIGN_OR_RETURN(
      norm.gamma_initializer,
      ReadInitializer(options, "gamma_initializer", norm.gamma_initializer));
  ASSIGN_OR_RETURN(
      norm.beta_initializer,
      ReadInitializer(options, "beta_initializer", norm.beta_initializer));
  return norm;
}

}  // namespace

std::vector<ParamSpec> BatchNormalizationSpec::Params(
    const Shape& input) const {
  const Shape shape = {{input.dims.back()}};
  std::vector<ParamSpec> params;
  if (scale) params.push_back({name + "/gamma", shape, gamma_initializer});
  if (center) params.push_back({name + "/beta", shape, beta_initializer});
  params.push_back({.name = name + "/moving_mean",
                    .shape = shape,
                    .initializer = {Initializer::Kind::kZeros},
                    .trainable = false});
  params.push_back({.name = name + "/moving_variance",
                    .shape = shape,
                    .initializer = {Initializer::Kind::kOnes},
                    .trainable = false});
  return params;
}

std::span<const KerasClass> BatchNormalizationSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {
      {"BatchNormalization", ReadBatchNormalization}};
  return kClasses;
}

}  // namespace batchsweep
