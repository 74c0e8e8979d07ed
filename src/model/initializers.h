// The first values of a model's weights.
#ifndef BATCHSWEEP_MODEL_INITIALIZERS_H_
#define BATCHSWEEP_MODEL_INITIALIZERS_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "model/model_spec.h"
#include "model/safetensors.h"
#include "platform/error.h"

namespace batchsweep {

// Draws every parameter of `params`, in that order, from one stream of `seed`:
// a tensor's values depend on what is drawn before it, never on what follows.
// Constants, and so batch normalisation's first statistics, draw nothing.
// Source of the formulas: keras.io/api/layers/initializers; a truncated normal
// redraws beyond two standard deviations and, as Keras does where the deviation
// comes from the fans, widens it by 1 / 0.87962566 to make up for it.
std::vector<NamedTensor> DrawWeights(const std::vector<ParamSpec>& params,
                                     uint64_t seed);
// The same to where the tensors are. REQUIRES: one of its shape for each.
void DrawWeightsInto(const std::vector<ParamSpec>& params, uint64_t seed,
                     std::span<const TensorView> tensors);

// Reads every parameter of `params` from a safetensors file, in that order.
// A missing or an extra tensor, or one of another shape, is refused by name.
Result<std::vector<NamedTensor>> ReadWeights(
    const std::vector<ParamSpec>& params, const std::filesystem::path& path);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_INITIALIZERS_H_
