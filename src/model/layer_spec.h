// LayerSpec: any layer of a model. The list below is the only one: Keras'
// classes, shapes, parameters, costs and descriptions follow from it, and the
// network's builder does not compile without each of its layers.
#ifndef BATCHSWEEP_MODEL_LAYER_SPEC_H_
#define BATCHSWEEP_MODEL_LAYER_SPEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/layers/activation.h"
#include "model/layers/batch_normalization.h"
#include "model/layers/convolution.h"
#include "model/layers/dense.h"
#include "model/layers/depthwise.h"
#include "model/layers/dropout.h"
#include "model/layers/layer_family.h"
#include "model/layers/merge.h"
#include "model/layers/pooling.h"
#include "model/layers/rescaling.h"
#include "model/layers/reshape.h"
#include "model/layers/separable.h"
#include "model/layers/zero_padding.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

template <LayerFamily... Specs>
using AnyOf = std::variant<Specs...>;

using LayerSpec =
    AnyOf<ActivationSpec, AddSpec, BatchNormalizationSpec, ConcatenateSpec,
          Conv2DSpec, DenseSpec, DepthwiseConv2DSpec, DropoutSpec, FlattenSpec,
          GlobalAveragePooling2DSpec, Pooling2DSpec, RescalingSpec, ReshapeSpec,
          SeparableConv2DSpec, ZeroPadding2DSpec>;

// What layer_family.h says of any layer's members, of the layer at hand.
const std::string& LayerName(const LayerSpec& layer);
std::string_view LayerClass(const LayerSpec& layer);
Activation LayerActivation(const LayerSpec& layer);
std::vector<ParamSpec> LayerParams(const LayerSpec& layer, const Shape& input);
int64_t LayerMultiplyAdds(const LayerSpec& layer, const Shape& input,
                          const Shape& output);

// "Dense 64 relu"
std::string DescribeLayer(const LayerSpec& layer);

// Refuses, in a message that begins with `origin` and the layer's name, inputs
// that the layer cannot take and a result that is no IsShape(). REQUIRES: each
// of `inputs` is one, and every number of `layer` within kMaxWidth.
Result<Shape> LayerOutputShape(const LayerSpec& layer,
                               const std::vector<Shape>& inputs,
                               std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LAYER_SPEC_H_
