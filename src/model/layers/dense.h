// A fully connected layer.
#ifndef BATCHSWEEP_MODEL_LAYERS_DENSE_H_
#define BATCHSWEEP_MODEL_LAYERS_DENSE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

// Kernel (in, units), named NAME/kernel, and NAME/bias.
struct DenseSpec {
  std::string name;
  int64_t units = 0;
  Activation activation = Activation::kLinear;
  bool use_bias = true;
  Initializer kernel_initializer = {Initializer::Kind::kGlorotUniform};
  Initializer bias_initializer = {Initializer::Kind::kZeros};
  float kernel_l2 = 0.0f;  // adds this times the sum of squares to the loss

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "Dense"; }
  Result<Shape> OutputShape(const LayerSite& site) const;
  std::vector<ParamSpec> Params(const Shape& input) const;
  int64_t MultiplyAdds(const Shape& input, const Shape& output) const;
  Activation EndActivation() const { return activation; }
  std::string Options() const;
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_DENSE_H_
