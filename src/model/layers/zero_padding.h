// A layer that puts zeros around an image.
#ifndef BATCHSWEEP_MODEL_LAYERS_ZERO_PADDING_H_
#define BATCHSWEEP_MODEL_LAYERS_ZERO_PADDING_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

struct ZeroPadding2DSpec {
  std::string name;
  int64_t top = 0;
  int64_t bottom = 0;
  int64_t left = 0;
  int64_t right = 0;

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "ZeroPadding2D"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_ZERO_PADDING_H_
