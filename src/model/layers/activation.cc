#include "model/layers/activation.h"

#include <format>
#include <nlohmann/json.hpp>

#include "model/keras_layers.h"
#include "model/keras_value.h"

namespace batchsweep {
namespace {

Result<LayerSpec> ReadActivationLayer(const KerasLayer& layer,
                                      const std::vector<Shape>&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"activation"}));
  ASSIGN_OR_RETURN(const Activation activation, ReadActivation(layer.options));
  return ActivationSpec{layer.name, activation};
}

// Makes a plain relu of a slope of 0, which is computed faster.
Result<LayerSpec> LeakyRelu(const KerasLayer& layer, float slope) {
  if (slope < 0.0f) {
    return Fail("{}: the negative slope is {}, expected a number from 0",
                layer.options.owner, slope);
  }
  if (slope == 0.0f) return ActivationSpec{layer.name, Activation::kRelu};
  return ActivationSpec{layer.name, Activation::kLeakyRelu, slope};
}

// Keras 2 calls the slope alpha.
Result<LayerSpec> ReadLeakyRelu(const KerasLayer& layer,
                                const std::vector<Shape>&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"alpha", "negative_slope"}));
  ASSIGN_OR_RETURN(const float alpha, ReadNumber(options, "alpha", 0.3f));
  ASSIGN_OR_RETURN(const float slope,
                   ReadNumber(options, "negative_slope", alpha));
  return LeakyRelu(layer, slope);
}

Result<LayerSpec> ReadRelu(const KerasLayer& layer, const std::vector<Shape>&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(
      options, {"max_value", "negative_slope", "threshold"}));
  const bool bounded = !Field(options.config, "max_value").is_null();
  ASSIGN_OR_RETURN(const float most, ReadNumber(options, "max_value", 6.0f));
  ASSIGN_OR_RETURN(const float slope,
                   ReadNumber(options, "negative_slope", 0.0f));
  ASSIGN_OR_RETURN(const float threshold,
                   ReadNumber(options, "threshold", 0.0f));
  if (most != 6.0f) {
    return Fail("{}: max_value is {}; batchsweep trains null or 6",
                options.owner, most);
  }
  if (threshold != 0.0f) {
    return Fail("{}: threshold is {}; batchsweep trains 0", options.owner,
                threshold);
  }
  if (!bounded) return LeakyRelu(layer, slope);
  if (slope != 0.0f) {
    return Fail("{}: has a max_value and negative_slope {}; use one of them",
                options.owner, slope);
  }
  return ActivationSpec{layer.name, Activation::kRelu6};
}

}  // namespace

std::string ActivationSpec::Options() const {
  std::string text = std::format(" {}", NameOf(activation));
  if (activation == Activation::kLeakyRelu) {
    text += std::format(" {}", negative_slope);
  }
  return text;
}

std::span<const KerasClass> ActivationSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Activation", ReadActivationLayer},
                                            {"LeakyReLU", ReadLeakyRelu},
                                            {"ReLU", ReadRelu}};
  return kClasses;
}

}  // namespace batchsweep
