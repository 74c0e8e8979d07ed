#include "model/layers/rescaling.h"

#include <format>

#include "model/keras_layers.h"

namespace batchsweep {
namespace {

Result<LayerSpec> ReadRescaling(const KerasLayer& layer,
                                const std::vector<Shape>&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"scale", "offset"}));
  RescalingSpec rescaling{.name = layer.name};
  ASSIGN_OR_RETURN(rescaling.scale, ReadNumber(layer.options, "scale", 1.0f));
  ASSIGN_OR_RETURN(rescaling.offset, ReadNumber(layer.options, "offset", 0.0f));
  return rescaling;
}

}  // namespace

std::string RescalingSpec::Options() const {
  return std::format(" x*{}{:+}", scale, offset);
}

std::span<const KerasClass> RescalingSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Rescaling", ReadRescaling}};
  return kClasses;
}

}  // namespace batchsweep
