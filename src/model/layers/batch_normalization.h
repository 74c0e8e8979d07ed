// Batch normalisation, over all axes but the last.
#ifndef BATCHSWEEP_MODEL_LAYERS_BATCH_NORMALIZATION_H_
#define BATCHSWEEP_MODEL_LAYERS_BATCH_NORMALIZATION_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/layer_family.h"

namespace batchsweep {

// Normalises each entry of the last axis. Training does so by the batch's mean
// and (biased) variance and keeps running ones, moving = moving * momentum +
// batch * (1 - momentum), that inference uses. Parameters NAME/gamma,
// NAME/beta, and the untrained NAME/moving_mean and NAME/moving_variance.
struct BatchNormalizationSpec {
  std::string name;
  float momentum = 0.99f;
  float epsilon = 1e-3f;
  bool center = true;  // has beta
  bool scale = true;   // has gamma
  Initializer gamma_initializer = {Initializer::Kind::kOnes};
  Initializer beta_initializer = {Initializer::Kind::kZeros};

  static constexpr InputCount kInputs = InputCount::kOne;
  std::string_view ClassName() const { return "BatchNormalization"; }
  Result<Shape> OutputShape(const LayerSite& site) const {
    return site.input();
  }
  std::vector<ParamSpec> Params(const Shape& input) const;
  int64_t MultiplyAdds(const Shape&, const Shape&) const { return 0; }
  Activation EndActivation() const { return Activation::kLinear; }
  std::string Options() const { return {}; }
  static std::span<const KerasClass> KerasClasses();
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYERS_BATCH_NORMALIZATION_H_
