// Layers that make one value of each window of an image.
#ifndef BATCHSWEEP_MODEL_LAYERS_POOLING_H_
#define BATCHSWEEP_MODEL_LAYERS_POOLING_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"
#include "model/sliding_window.h"

namespace batchsweep {

struct Pooling2DSpec {
  enum class Kind { kMax, kAverage };  // an average counts no padding
  std::string name;
  Kind kind = Kind::kMax;
  Extent2D pool_size = {2, 2};
  Extent2D strides = {2, 2};
  Padding padding = Padding::kValid;

  SlidingWindow Window() const { return {pool_size, strides, {}, padding}; }

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const;
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

struct GlobalAveragePooling2DSpec {
  std::string name;
  bool keepdims = false;  // (C), or (1, 1, C)

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "GlobalAveragePooling2D"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape&) const { return {}; }
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const { return {}; }
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_POOLING_H_
