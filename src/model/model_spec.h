// ModelSpec: a network as its author wrote it, before any memory or operator.
#ifndef BATCHSWEEP_MODEL_MODEL_SPEC_H_
#define BATCHSWEEP_MODEL_MODEL_SPEC_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/layer_spec.h"
#include "model/limits.h"
#include "model/param_spec.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

// Stands for the model's input in ModelSpec::inputs.
inline constexpr int kModelInput = -1;

struct ModelSpec {
  std::string name;
  Shape input_shape;              // one example, (H, W), (H, W, C) or (C)
  std::vector<LayerSpec> layers;  // each behind those it reads; the last one's
                                  // output is the model's; see CheckModel
  // What layers[i] reads: indexes of earlier layers, or kModelInput. Empty for
  // a chain, in which each layer reads the one before it.
  std::vector<std::vector<int>> inputs = {};
};

// The shape of one example behind each layer; one entry a layer. REQUIRES:
// CheckModel has nothing against the model's shapes.
std::vector<Shape> LayerOutputShapes(const ModelSpec& model);

// What layers[layer] reads, as ModelSpec::inputs has it, for a chain too.
std::vector<int> LayerInputs(const ModelSpec& model, size_t layer);

// The shapes of what layers[layer] reads; `outputs` are those behind each layer
// in front of it, or behind all.
std::vector<Shape> LayerInputShapes(const ModelSpec& model, size_t layer,
                                    const std::vector<Shape>& outputs);

// Every parameter, in layer order, and within a layer in the order that its
// spec names them. REQUIRES: as LayerOutputShapes.
std::vector<ParamSpec> ModelParams(const ModelSpec& model);

// Refuses, by the layer's name, a model that cannot be trained:
// (1) two layers of one name;
// (2) a layer whose inputs have shapes it cannot take (a Dense on more than one
//     dimension, a window larger than its image, an Add of unlike shapes);
// (3) no weights to train, or more than any board holds;
// (4) softmax anywhere but last, a layer whose output nothing reads.
// `origin` begins the message. REQUIRES: every width is in 1 .. kMaxWidth.
Status CheckModel(const ModelSpec& model, std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_MODEL_SPEC_H_
