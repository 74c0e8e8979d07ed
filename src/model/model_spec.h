// ModelSpec: a network as its author wrote it, before any memory or operator.
#ifndef BATCHSWEEP_MODEL_MODEL_SPEC_H_
#define BATCHSWEEP_MODEL_MODEL_SPEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

enum class Activation { kLinear, kRelu, kTanh, kSigmoid, kSoftmax };

// Keras' initialisers, by its formulas. fan_in and fan_out are those of the
// tensor: for a dense kernel its rows and columns.
struct Initializer {
  enum class Kind {
    kZeros,
    kOnes,
    kConstant,       // value
    kGlorotUniform,  // U(-l, l), l = sqrt(6 / (fan_in + fan_out))
    kGlorotNormal,   // truncated N(0, sqrt(2 / (fan_in + fan_out)))
    kHeUniform,      // U(-l, l), l = sqrt(6 / fan_in)
    kHeNormal,       // truncated N(0, sqrt(2 / fan_in))
  };
  Kind kind = Kind::kZeros;
  float value = 0.0f;  // of kConstant
};

struct FlattenSpec {
  std::string name;
};

struct DenseSpec {
  std::string name;
  int64_t units = 0;
  Activation activation = Activation::kLinear;
  bool use_bias = true;
  Initializer kernel_initializer = {Initializer::Kind::kGlorotUniform};
  Initializer bias_initializer = {Initializer::Kind::kZeros};
};

struct ActivationSpec {
  std::string name;
  Activation activation = Activation::kLinear;
};

using LayerSpec = std::variant<FlattenSpec, DenseSpec, ActivationSpec>;

// A trained tensor of the model. Names are "layer/kernel" and "layer/bias",
// kernels in Keras' layout: dense (in, out).
struct ParamSpec {
  std::string name;
  Shape shape;
  Initializer initializer;
};

struct ModelSpec {
  std::string name;
  Shape input_shape;              // one example, (H, W), (H, W, C) or (C)
  std::vector<LayerSpec> layers;  // in order; see CheckModel
};

// The most values one example may have in front of or behind a layer: those of
// a 4096 x 4096 image. Within it shapes multiply without overflow.
inline constexpr int64_t kMaxWidth = int64_t{1} << 24;

// The name of the layer, as the model's author gave it.
const std::string& LayerName(const LayerSpec& layer);

// The shape of one example behind each layer; one entry a layer.
std::vector<Shape> LayerOutputShapes(const ModelSpec& model);

// Every trained tensor, in layer order, kernel before bias.
std::vector<ParamSpec> ModelParams(const ModelSpec& model);

// Refuses, by the layer's name, a model that cannot be trained as a classifier:
// (1) two layers of one name;
// (2) a Dense on more than one dimension, or more weights than any board holds;
// (3) softmax anywhere but last;
// (4) an end that is not a Dense of at least 2 units, linear or softmax, or
//     such a linear Dense and a linear or softmax Activation.
// `origin` begins the message. REQUIRES: every width is in 1 .. kMaxWidth.
Status CheckModel(const ModelSpec& model, std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_MODEL_SPEC_H_
