// Layers that give the same values another shape.
#ifndef BATCHSWEEP_MODEL_LAYERS_RESHAPE_H_
#define BATCHSWEEP_MODEL_LAYERS_RESHAPE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

struct FlattenSpec {
  std::string name;

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "Flatten"; }
  Result<Shape> OutputShape(const LayerSite& site) const {
    return Shape{{site.input().elements()}};
  }
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const { return {}; }
  static std::span<const KerasClass> KerasClasses();
};

struct ReshapeSpec {
  std::string name;
  Shape target;  // of one example; no -1 is left in it

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "Reshape"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_RESHAPE_H_
