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

// kRelu6 is min(max(x, 0), 6); kLeakyRelu takes its slope from ActivationSpec.
enum class Activation {
  kLinear,
  kRelu,
  kRelu6,
  kLeakyRelu,
  kTanh,
  kSigmoid,
  kSoftmax,
};

// Keras' initialisers, by its formulas. fan_in and fan_out are those of the
// tensor: for a dense kernel its rows and columns, for any other kernel the
// last two dimensions, each times the window in front of them.
struct Initializer {
  enum class Kind {
    kZeros,
    kOnes,
    kConstant,         // value
    kGlorotUniform,    // U(-l, l), l = sqrt(6 / (fan_in + fan_out))
    kGlorotNormal,     // truncated N(0, sqrt(2 / (fan_in + fan_out)))
    kHeUniform,        // U(-l, l), l = sqrt(6 / fan_in)
    kHeNormal,         // truncated N(0, sqrt(2 / fan_in))
    kLecunUniform,     // U(-l, l), l = sqrt(3 / fan_in)
    kLecunNormal,      // truncated N(0, sqrt(1 / fan_in))
    kRandomUniform,    // U(low, high)
    kRandomNormal,     // N(mean, deviation)
    kTruncatedNormal,  // the same without what lies beyond two deviations
  };
  Kind kind = Kind::kZeros;
  float value = 0.0f;  // of kConstant
  float low = -0.05f;
  float high = 0.05f;
  float mean = 0.0f;
  float deviation = 0.05f;
};

// Keras' padding: kValid reads inside only; kSame gives ceil(in / stride)
// outputs and, where the zeros around are odd, puts one more behind than
// before.
enum class Padding { kValid, kSame };

// Two of everything that has a height and a width.
struct Extent2D {
  int64_t height = 1;
  int64_t width = 1;
  friend bool operator==(const Extent2D&, const Extent2D&) = default;
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
  float kernel_l2 = 0.0f;  // adds this times the sum of squares to the loss
};

struct ActivationSpec {
  std::string name;
  Activation activation = Activation::kLinear;
  float negative_slope = 0.0f;  // of kLeakyRelu
};

// Kernel (KH, KW, C, filters), named NAME/kernel and NAME/bias.
struct Conv2DSpec {
  std::string name;
  int64_t filters = 0;
  Extent2D kernel_size;
  Extent2D strides;
  Extent2D dilation;
  Padding padding = Padding::kValid;
  Activation activation = Activation::kLinear;
  bool use_bias = true;
  Initializer kernel_initializer = {Initializer::Kind::kGlorotUniform};
  Initializer bias_initializer = {Initializer::Kind::kZeros};
  float kernel_l2 = 0.0f;
};

// Kernel (KH, KW, C, depth_multiplier); output channel c * depth_multiplier + d
// comes from input channel c.
struct DepthwiseConv2DSpec {
  std::string name;
  int64_t depth_multiplier = 1;
  Extent2D kernel_size;
  Extent2D strides;
  Extent2D dilation;
  Padding padding = Padding::kValid;
  Activation activation = Activation::kLinear;
  bool use_bias = true;
  Initializer kernel_initializer = {Initializer::Kind::kGlorotUniform};
  Initializer bias_initializer = {Initializer::Kind::kZeros};
  float kernel_l2 = 0.0f;
};

// A depthwise convolution without bias, then a 1x1 Conv2D. Parameters
// NAME/depthwise_kernel, NAME/pointwise_kernel, NAME/bias.
struct SeparableConv2DSpec {
  std::string name;
  DepthwiseConv2DSpec depthwise;  // linear, without bias
  Conv2DSpec pointwise;           // 1x1, with the layer's activation and bias
};

struct Pooling2DSpec {
  enum class Kind { kMax, kAverage };  // an average counts no padding
  std::string name;
  Kind kind = Kind::kMax;
  Extent2D pool_size = {2, 2};
  Extent2D strides = {2, 2};
  Padding padding = Padding::kValid;
};

struct GlobalAveragePooling2DSpec {
  std::string name;
  bool keepdims = false;  // (C), or (1, 1, C)
};

// Over the last axis. Training normalises by the batch's mean and (biased)
// variance and keeps running ones, moving = moving * momentum + batch * (1 -
// momentum), that inference uses. Parameters NAME/gamma, NAME/beta, and the
// untrained NAME/moving_mean and NAME/moving_variance.
struct BatchNormalizationSpec {
  std::string name;
  float momentum = 0.99f;
  float epsilon = 1e-3f;
  bool center = true;  // has beta
  bool scale = true;   // has gamma
  Initializer gamma_initializer = {Initializer::Kind::kOnes};
  Initializer beta_initializer = {Initializer::Kind::kZeros};
};

// Training sets each value to 0 with probability `rate` and divides the others
// by 1 - rate; inference does nothing.
struct DropoutSpec {
  std::string name;
  float rate = 0.0f;  // 0 <= rate < 1
};

struct ZeroPadding2DSpec {
  std::string name;
  int64_t top = 0;
  int64_t bottom = 0;
  int64_t left = 0;
  int64_t right = 0;
};

struct ReshapeSpec {
  std::string name;
  Shape target;  // of one example; no -1 is left in it
};

// y = scale * x + offset
struct RescalingSpec {
  std::string name;
  float scale = 1.0f;
  float offset = 0.0f;
};

// The sum of two or more tensors of one shape.
struct AddSpec {
  std::string name;
};

// Two or more tensors behind one another on the last axis.
struct ConcatenateSpec {
  std::string name;
};

using LayerSpec =
    std::variant<FlattenSpec, DenseSpec, ActivationSpec, Conv2DSpec,
                 DepthwiseConv2DSpec, SeparableConv2DSpec, Pooling2DSpec,
                 GlobalAveragePooling2DSpec, BatchNormalizationSpec,
                 DropoutSpec, ZeroPadding2DSpec, ReshapeSpec, RescalingSpec,
                 AddSpec, ConcatenateSpec>;

// A tensor of the model that is kept between steps. Kernels have Keras'
// layouts: dense (in, out), the others as their spec says.
struct ParamSpec {
  std::string name;
  Shape shape;
  Initializer initializer;
  bool trainable = true;  // false for batch normalisation's running statistics
  float l2 = 0.0f;        // kernel regularisation
};

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

// The most values one example may have in front of or behind a layer: those of
// a 4096 x 4096 image. Within it shapes multiply without overflow.
inline constexpr int64_t kMaxWidth = int64_t{1} << 24;

// The name of the layer, as the model's author gave it.
const std::string& LayerName(const LayerSpec& layer);

// The name of its class in Keras: "Dense".
std::string_view LayerClass(const LayerSpec& layer);

// What it computes last; kLinear for a layer that has no activation.
Activation LayerActivation(const LayerSpec& layer);

// The shape of one example behind each layer; one entry a layer. REQUIRES:
// CheckModel has nothing against the model's shapes.
std::vector<Shape> LayerOutputShapes(const ModelSpec& model);

// What layers[layer] reads, as ModelSpec::inputs has it, for a chain too.
std::vector<int> LayerInputs(const ModelSpec& model, size_t layer);

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
