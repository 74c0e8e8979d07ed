#include "model/layers/dropout.h"

#include <format>

#include "model/keras_layers.h"

namespace batchsweep {
namespace {

Result<LayerSpec> ReadDropout(const KerasLayer& layer,
                              const std::vector<Shape>&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"rate", "seed"}));
  DropoutSpec dropout{.name = layer.name};
  ASSIGN_OR_RETURN(dropout.rate, ReadNumber(layer.options, "rate", 0.0f));
  if (dropout.rate < 0.0f || dropout.rate >= 1.0f) {
    return Fail("{}: rate is {}, expected 0 or more and below 1",
                layer.options.owner, dropout.rate);
  }
  return dropout;
}

}  // namespace

std::string DropoutSpec::Options() const { return std::format(" {}", rate); }

std::span<const KerasClass> DropoutSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Dropout", ReadDropout}};
  return kClasses;
}

}  // namespace batchsweep
