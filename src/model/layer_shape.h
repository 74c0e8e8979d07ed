// The shape behind one layer, by Keras' rules.
//
// Along each axis a window of size k, dilation d and stride s reaches over
// r = (k - 1) * d + 1 values of the n in front of it and leaves
//   kValid: floor((n - r) / s) + 1, none if r > n
//   kSame:  ceil(n / s)
#ifndef BATCHSWEEP_MODEL_LAYER_SHAPE_H_
#define BATCHSWEEP_MODEL_LAYER_SHAPE_H_

#include <string_view>
#include <vector>

#include "model/model_spec.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

// Whether there are dimensions, each at least 1, and their product at most
// kMaxWidth.
bool IsShape(const Shape& shape);

// Refuses, in a message that begins with `origin` and the layer's name, inputs
// that the layer cannot take and a result that is no IsShape(). REQUIRES: each
// of `inputs` is one, and every number of `layer` within kMaxWidth.
Result<Shape> LayerOutputShape(const LayerSpec& layer,
                               const std::vector<Shape>& inputs,
                               std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYER_SHAPE_H_
