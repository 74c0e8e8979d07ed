// Layers that make one tensor of several.
#ifndef BATCHSWEEP_MODEL_LAYERS_MERGE_H_
#define BATCHSWEEP_MODEL_LAYERS_MERGE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

// The sum of two or more tensors of one shape.
struct AddSpec {
  std::string name;

  static constexpr InputCount kInputs = InputCount::kTwoOrMore;
  std::string_view ClassName() const { return "Add"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const { return {}; }
  static std::span<const KerasClass> KerasClasses();
};

// Two or more tensors behind one another on the last axis.
struct ConcatenateSpec {
  std::string name;

  static constexpr InputCount kInputs = InputCount::kTwoOrMore;
  std::string_view ClassName() const { return "Concatenate"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const { return {}; }
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_MERGE_H_
