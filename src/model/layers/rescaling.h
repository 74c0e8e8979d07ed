// A layer that brings its inputs into a range.
#ifndef BATCHSWEEP_MODEL_LAYERS_RESCALING_H_
#define BATCHSWEEP_MODEL_LAYERS_RESCALING_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

// y = scale * x + offset
struct RescalingSpec {
  std::string name;
  float scale = 1.0f;
  float offset = 0.0f;

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "Rescaling"; }
  Result<Shape> OutputShape(const LayerSite& site) const {
    return site.input();
  }
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_RESCALING_H_
