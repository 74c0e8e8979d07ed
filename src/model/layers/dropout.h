// A layer that leaves out values at random while training.
#ifndef BATCHSWEEP_MODEL_LAYERS_DROPOUT_H_
#define BATCHSWEEP_MODEL_LAYERS_DROPOUT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

// Training sets each value to 0 with probability `rate` and divides the others
// by 1 - rate; inference does nothing.
struct DropoutSpec {
  std::string name;
  float rate = 0.0f;  // 0 <= rate < 1

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "Dropout"; }
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

#endif  // BATCHSWEEP_MODEL_LAYERS_DROPOUT_H_
