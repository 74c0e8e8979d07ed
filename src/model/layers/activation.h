// An activation as a layer of its own.
#ifndef BATCHSWEEP_MODEL_LAYERS_ACTIVATION_H_
#define BATCHSWEEP_MODEL_LAYERS_ACTIVATION_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

struct ActivationSpec {
  std::string name;
  Activation activation = Activation::kLinear;
  float negative_slope = 0.0f;  // of kLeakyRelu

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "Activation"; }
  Result<Shape> OutputShape(const LayerSite& site) const {
    return site.input();
  }
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return activation; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_ACTIVATION_H_
