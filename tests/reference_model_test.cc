#include "tests/reference_model.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_vector.hpp>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace batchsweep::reference {
namespace {

using Catch::Matchers::WithinAbs;
using Doubles = std::vector<double>;
using Floats = std::vector<float>;

auto Near(const Doubles& want, double margin = 1e-10) {
  return Catch::Matchers::Approx(want).margin(margin).epsilon(0);
}

ModelSpec Chain(Shape input, std::vector<LayerSpec> layers) {
  return {.input_shape = std::move(input), .layers = std::move(layers)};
}

// What the model makes of x.
Doubles Outputs(const ModelSpec& model, std::vector<Doubles> weights,
                const Floats& x, size_t outputs, bool training = true) {
  const Floats targets(outputs);
  return ComputeLoss({.model = model,
                      .weights = std::move(weights),
                      .x = x,
                      .loss = Loss::kMeanSquaredError,
                      .targets = targets,
                      .training = training})
      .outputs;
}

void CheckLayer(LayerSpec layer, Shape input, const Floats& x,
                std::vector<Doubles> weights, const Doubles& want) {
  const ModelSpec model = Chain(std::move(input), {std::move(layer)});
  CHECK_THAT(Outputs(model, std::move(weights), x, want.size()), Near(want));
}

// 1, 2, ... count
Floats From1To(size_t count) {
  Floats values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

TEST_CASE("the twin's same convolution pads more behind than before",
          "[reference_model]") {
  const Conv2DSpec conv = {.filters = 1,
                           .kernel_size = {3, 3},
                           .strides = {2, 2},
                           .padding = Padding::kSame};
  const std::vector<Doubles> sum_and_half = {Doubles(9, 1.0), {0.5}};
  // One row of zeros: behind. Windows begin at 0 and 2.
  CheckLayer(conv, {{4, 4, 1}}, From1To(16), sum_and_half,
             {54.5, 45.5, 72.5, 54.5});
  // Two: one on each side. Windows begin at -1, 1 and 3.
  CheckLayer(conv, {{5, 5, 1}}, From1To(25), sum_and_half,
             {16.5, 33.5, 28.5, 69.5, 117.5, 87.5, 76.5, 123.5, 88.5});
}

TEST_CASE("the twin's valid convolution reads inside only",
          "[reference_model]") {
  const Conv2DSpec dilated = {.filters = 1,
                              .kernel_size = {1, 2},
                              .dilation = {1, 2},
                              .use_bias = false};
  CheckLayer(dilated, {{1, 5, 1}}, From1To(5), {{10, 1}}, {13, 24, 35});
  const Conv2DSpec strided = {
      .filters = 1, .kernel_size = {2, 1}, .strides = {2, 1}};
  CheckLayer(strided, {{5, 1, 1}}, From1To(5), {{10, 1}, {0}}, {12, 34});
  const Conv2DSpec channels = {.filters = 3, .use_bias = false};
  CheckLayer(channels, {{1, 1, 2}}, {1, 2}, {{1, 2, 3, 4, 5, 6}}, {9, 12, 15});
}

TEST_CASE("the twin's depthwise convolution keeps channels apart",
          "[reference_model]") {
  const Floats x = {1, 10, 2, 20};
  const Doubles kernel = {1, 2, 3, 4, 5, 6, 7, 8};  // (1, 2, 2, 2)
  const DepthwiseConv2DSpec depthwise = {.depth_multiplier = 2,
                                         .kernel_size = {1, 2}};
  CheckLayer(depthwise, {{1, 2, 2}}, x, {kernel, {0, 0, 0, 1}},
             {11, 14, 170, 201});
  const SeparableConv2DSpec separable = {
      .depthwise = depthwise,
      .pointwise = {.filters = 1, .activation = Activation::kRelu6}};
  CheckLayer(separable, {{1, 2, 2}}, x, {kernel, {1, -1, 1, -1}, {35}}, {2});
  CheckLayer(separable, {{1, 2, 2}}, x, {kernel, {1, -1, 1, -1}, {40}}, {6});
}

TEST_CASE("the twin's pooling looks at no padding", "[reference_model]") {
  using enum Pooling2DSpec::Kind;
  const Pooling2DSpec average = {.kind = kAverage, .padding = Padding::kSame};
  CheckLayer(average, {{3, 3, 1}}, From1To(9), {}, {3, 4.5, 7.5, 9});
  CheckLayer(Pooling2DSpec{.kind = kAverage}, {{3, 3, 1}}, From1To(9), {}, {3});
  const Pooling2DSpec average3 = {
      .kind = kAverage, .pool_size = {3, 3}, .padding = Padding::kSame};
  CheckLayer(average3, {{5, 5, 1}}, From1To(25), {},
             {4, 5.5, 7, 11.5, 13, 14.5, 19, 20.5, 22});
  Floats negative = From1To(9);
  for (float& value : negative) value = -value;
  const Pooling2DSpec highest = {.padding = Padding::kSame};
  CheckLayer(highest, {{3, 3, 1}}, negative, {}, {-1, -3, -7, -9});
  CheckLayer(Pooling2DSpec{}, {{3, 3, 1}}, From1To(9), {}, {5});
}

TEST_CASE("the twin's global average is one value a channel",
          "[reference_model]") {
  const bool keepdims = GENERATE(true, false);
  CheckLayer(GlobalAveragePooling2DSpec{.keepdims = keepdims}, {{2, 1, 2}},
             {1, 10, 3, 30, 5, 50, 6, 60}, {}, {2, 20, 5.5, 55});
}

TEST_CASE("the twin's batch normalisation", "[reference_model]") {
  const ModelSpec model = Chain(
      {{2}}, {BatchNormalizationSpec{.momentum = 0.25f, .epsilon = 7.0f}});
  const bool training = GENERATE(true, false);
  const Floats x = {1, 10, 7, 10};  // means 4 and 10, variances 9 and 0
  const Floats targets(4);
  const LossAnswer answer = ComputeLoss({
      .model = model,
      .weights = {{2, 1}, {1, 5}, {0, 2}, {9, 2}},
      .x = x,
      .loss = Loss::kMeanSquaredError,
      .targets = targets,
      .training = training,
  });
  CHECK(answer.moving[0].empty());
  CHECK(answer.moving[1].empty());
  if (training) {
    CHECK_THAT(answer.outputs, Near({-0.5, 5, 2.5, 5}));
    CHECK_THAT(answer.moving[2], Near({3, 8}));
    CHECK_THAT(answer.moving[3], Near({9, 0.5}));
  } else {
    CHECK_THAT(answer.outputs, Near({1.5, 5 + 8.0 / 3, 4.5, 5 + 8.0 / 3}));
    CHECK_THAT(answer.moving[2], Near({0, 2}));
    CHECK_THAT(answer.moving[3], Near({9, 2}));
  }
}

TEST_CASE("the twin's dropout drops what it is told, in training alone",
          "[reference_model]") {
  const ModelSpec model =
      Chain({{3}}, {RescalingSpec{.scale = 2.0f}, DropoutSpec{.rate = 0.75f}});
  const Floats x = {1, 2, 3};
  const Floats targets(3);
  LossQuestion question = {.model = model,
                           .x = x,
                           .loss = Loss::kMeanSquaredError,
                           .targets = targets};
  CHECK_THAT(ComputeLoss(question).outputs, Near({2, 4, 6}));
  question.keep = [](size_t layer, size_t element) {
    return layer == 1 && element != 1;
  };
  CHECK_THAT(ComputeLoss(question).outputs, Near({8, 0, 24}));
  question.training = false;
  CHECK_THAT(ComputeLoss(question).outputs, Near({2, 4, 6}));
}

TEST_CASE("the twin's layers that only move or scale values",
          "[reference_model]") {
  CheckLayer(ZeroPadding2DSpec{.top = 1, .left = 2, .right = 1}, {{1, 1, 1}},
             {5}, {}, {0, 0, 0, 0, 0, 0, 5, 0});
  CheckLayer(ZeroPadding2DSpec{.bottom = 1}, {{1, 1, 2}}, {5, 6}, {},
             {5, 6, 0, 0});
  CheckLayer(FlattenSpec{}, {{2, 1, 2}}, From1To(4), {}, {1, 2, 3, 4});
  CheckLayer(ReshapeSpec{.target = {{4, 1}}}, {{2, 2}}, From1To(4), {},
             {1, 2, 3, 4});
  CheckLayer(RescalingSpec{.scale = 0.5f, .offset = -1}, {{2}}, {1, 6}, {},
             {-0.5, 2});
}

TEST_CASE("the twin's activations", "[reference_model]") {
  const auto check = [](ActivationSpec activation, const Doubles& want) {
    CheckLayer(activation, {{3}}, {-2, 0.5f, 8}, {}, want);
  };
  check({.activation = Activation::kLinear}, {-2, 0.5, 8});
  check({.activation = Activation::kRelu}, {0, 0.5, 8});
  check({.activation = Activation::kRelu6}, {0, 0.5, 6});
  check({.activation = Activation::kLeakyRelu, .negative_slope = 0.25f},
        {-0.5, 0.5, 8});
  check({.activation = Activation::kTanh},
        {-0.96402758007582, 0.46211715726001, 0.99999977492967});
  check({.activation = Activation::kSigmoid},
        {0.11920292202212, 0.62245933120185, 0.99966464986953});
  check({.activation = Activation::kSoftmax}, {-2, 0.5, 8});
}

TEST_CASE("the twin adds and concatenates what a layer's inputs name",
          "[reference_model]") {
  ModelSpec model = Chain({{2}}, {DenseSpec{.units = 2}, AddSpec{}});
  model.inputs = {{kModelInput}, {kModelInput, 0, kModelInput}};
  const std::vector<Doubles> weights = {{1, 2, 3, 4}, {0, 10}};
  CHECK_THAT(Outputs(model, weights, {1, 1, 0, 2}, 4), Near({6, 18, 6, 22}));
  model.layers[1] = ConcatenateSpec{};
  model.inputs[1] = {0, kModelInput};
  CHECK_THAT(Outputs(model, weights, {1, 1, 0, 2}, 8),
             Near({4, 16, 1, 1, 6, 18, 0, 2}));

  // Of images: behind one another in each pixel.
  model = Chain({{1, 2, 1}}, {RescalingSpec{.scale = 10}, ConcatenateSpec{}});
  model.inputs = {{kModelInput}, {kModelInput, 0}};
  CHECK_THAT(Outputs(model, {}, {1, 2}, 4), Near({1, 10, 2, 20}));
}

TEST_CASE("the twin's losses are means over the batch", "[reference_model]") {
  const ModelSpec model =
      Chain({{2}}, {ActivationSpec{.activation = Activation::kSoftmax}});
  // Probabilities of 1/4 and 3/4, and of 1/2.
  const Floats x = {1, 1 + std::log(3.0f), -7, -7};
  const std::vector<uint8_t> labels = {1, 0};
  const Floats targets = {0.5f, 0.5f, 0, 1};
  LossQuestion question = {
      .model = model, .x = x, .labels = labels, .targets = targets};
  CHECK_THAT(ComputeLoss(question).loss,
             WithinAbs((std::log(4.0 / 3) + std::log(2.0)) / 2, 1e-7));
  question.loss = Loss::kCategoricalCrossentropy;
  CHECK_THAT(
      ComputeLoss(question).loss,
      WithinAbs((std::log(4.0) + std::log(4.0 / 3) + std::log(4.0)) / 4, 1e-7));

  const Floats values = {1, 2, 3, 5};
  question.x = values;
  question.loss = Loss::kMeanSquaredError;
  CHECK_THAT(ComputeLoss(question).loss,
             WithinAbs((0.25 + 2.25 + 9 + 16) / 4, 1e-12));
}

TEST_CASE("the twin's loss and gradient have the L2 penalty",
          "[reference_model]") {
  const ModelSpec model =
      Chain({{1}}, {DenseSpec{.units = 1, .kernel_l2 = 0.5f},
                    BatchNormalizationSpec{.epsilon = 0}});
  const Floats x = {2};
  const Floats targets = {1};
  const LossQuestion question = {
      .model = model,
      .weights = {{3}, {4}, {2}, {0}, {0}, {1}},
      .x = x,
      .loss = Loss::kMeanSquaredError,
      .targets = targets,
      .training = false,
  };
  const LossAnswer answer = ComputeLoss(question);
  // y = 2 * (3 * 2 + 4) = 20; the bias is not penalised.
  CHECK_THAT(answer.data_loss, WithinAbs(19 * 19, 1e-10));
  CHECK_THAT(answer.loss, WithinAbs(19 * 19 + 0.5 * 9, 1e-10));
  const auto gradient = LossGradient(question);
  REQUIRE(gradient.size() == 6);
  CHECK_THAT(gradient[0], Near({2 * 19 * 2 * 2 + 0.5 * 2 * 3}, 1e-6));
  CHECK_THAT(gradient[1], Near({2 * 19 * 2}, 1e-6));
  CHECK_THAT(gradient[2], Near({2 * 19 * 10}, 1e-6));
  CHECK_THAT(gradient[3], Near({2 * 19}, 1e-6));
  CHECK(gradient[4].empty());
  CHECK(gradient[5].empty());
  CHECK(LossDerivative(question, 1, 0) == gradient[1][0]);
}

// With Keras 3.15 on TensorFlow, from keras import layers as l:
//   keras.config.set_floatx("float64")
//   x = keras.Input((6, 7, 2))
//   a = l.Rescaling(2.0, -0.5)(x)
//   a = l.ZeroPadding2D(((1, 0), (2, 1)))(a)
//   a = l.Conv2D(4, (3, 2), strides=2, padding="same", activation="relu6",
//                kernel_regularizer=keras.regularizers.L2(1 / 64))(a)
//   a = l.BatchNormalization(momentum=0.75, epsilon=1 / 128)(a)
//   b = l.Conv2D(4, 3, dilation_rate=(2, 1), padding="same",
//                use_bias=False)(a)
//   b = l.LeakyReLU(negative_slope=0.125)(b)
//   b = l.DepthwiseConv2D(3, padding="same", depth_multiplier=2,
//                         activation="tanh")(b)
//   b = l.SeparableConv2D(
//       4, 2, padding="same", activation="sigmoid",
//       depthwise_regularizer=keras.regularizers.L2(1 / 32))(b)
//   a = l.Add()([a, b])
//   c = l.MaxPooling2D(3, 2, "same")(a)
//   d = l.AveragePooling2D((3, 2), 2, "same")(a)
//   e = l.Concatenate()([c, d])
//   e = l.BatchNormalization(momentum=0.5, epsilon=1 / 128, center=False)(e)
//   e = l.DepthwiseConv2D(2, strides=2, padding="same")(e)
//   e = l.Reshape((2, 1, 8))(e)
//   e = l.GlobalAveragePooling2D(keepdims=True)(e)
//   e = l.Flatten()(e)
//   e = l.Dense(3, kernel_regularizer=keras.regularizers.L2(1 / 16))(e)
//   model = keras.Model(x, e)
ModelSpec KerasModel() {
  using enum Pooling2DSpec::Kind;
  constexpr Padding kSame = Padding::kSame;
  ModelSpec model = Chain(
      {{6, 7, 2}},
      {RescalingSpec{.scale = 2, .offset = -0.5f},
       ZeroPadding2DSpec{.top = 1, .left = 2, .right = 1},
       Conv2DSpec{.filters = 4,
                  .kernel_size = {3, 2},
                  .strides = {2, 2},
                  .padding = kSame,
                  .activation = Activation::kRelu6,
                  .kernel_l2 = 1.0f / 64},
       BatchNormalizationSpec{.momentum = 0.75f, .epsilon = 1.0f / 128},
       Conv2DSpec{.filters = 4,
                  .kernel_size = {3, 3},
                  .dilation = {2, 1},
                  .padding = kSame,
                  .use_bias = false},
       ActivationSpec{.activation = Activation::kLeakyRelu,
                      .negative_slope = 0.125f},
       DepthwiseConv2DSpec{.depth_multiplier = 2,
                           .kernel_size = {3, 3},
                           .padding = kSame,
                           .activation = Activation::kTanh},
       SeparableConv2DSpec{
           .depthwise = {.kernel_size = {2, 2},
                         .padding = kSame,
                         .kernel_l2 = 1.0f / 32},
           .pointwise = {.filters = 4, .activation = Activation::kSigmoid}},
       AddSpec{},
       Pooling2DSpec{.kind = kMax, .pool_size = {3, 3}, .padding = kSame},
       Pooling2DSpec{.kind = kAverage, .pool_size = {3, 2}, .padding = kSame},
       ConcatenateSpec{},
       BatchNormalizationSpec{
           .momentum = 0.5f, .epsilon = 1.0f / 128, .center = false},
       DepthwiseConv2DSpec{
           .kernel_size = {2, 2}, .strides = {2, 2}, .padding = kSame},
       ReshapeSpec{.target = {{2, 1, 8}}},
       GlobalAveragePooling2DSpec{.keepdims = true}, FlattenSpec{},
       DenseSpec{.units = 3,
                 .activation = Activation::kSoftmax,
                 .kernel_l2 = 1.0f / 16}});
  for (int layer = 0; layer < 18; ++layer) model.inputs.push_back({layer - 1});
  model.inputs[8] = {3, 7};
  model.inputs[10] = {8};
  model.inputs[11] = {9, 10};
  return model;
}

// With w of layer.trainable_weights, then layer.non_trainable_weights:
//   v = np.sin(1 + p + 0.7 * np.arange(w.numpy().size))
//   v = np.abs(v) if "variance" in w.path else v / 2
//   w.assign(np.reshape(v, w.shape))
std::vector<Doubles> KerasWeights() {
  const size_t sizes[] = {48, 4, 4, 4, 4, 4,  144, 72, 8, 32,
                          32, 4, 8, 8, 8, 32, 8,   24, 3};
  std::vector<Doubles> weights;
  for (const size_t size : sizes) {
    const size_t p = weights.size();
    const bool is_variance = p == 5 || p == 14;
    Doubles& values = weights.emplace_back();
    for (size_t i = 0; i < size; ++i) {
      const double v =
          std::sin(1 + static_cast<double>(p) + 0.7 * static_cast<double>(i));
      values.push_back(is_variance ? std::abs(v) : v / 2);
    }
  }
  return weights;
}

// np.sin(0.3 * np.arange(3 * 6 * 7 * 2)).astype("float32")
Floats KerasInputs() {
  Floats x;
  for (int i = 0; i < 3 * 6 * 7 * 2; ++i) {
    x.push_back(static_cast<float>(std::sin(0.3 * i)));
  }
  return x;
}

// Gradients from GradientTape: each array's first and last value.
struct Ends {
  size_t param;
  double first;
  double last;
};

constexpr Ends kKerasGradients[] = {
    {0, 0.01275372821, 0.002257967112},
    {1, 0.0008194715337, -0.001082134673},
    {2, -0.01456952353, 0.0008535370432},
    {3, -0.002108945303, 0.005126627345},
    {6, -0.003821716883, -0.003543918775},
    {7, 0.0004388725617, -0.0005048820348},
    {8, -0.0002732791338, 0.001904014851},
    {9, -0.01706376367, 0.01070293233},
    {10, -0.0006078847943, -0.002740997706},
    {11, 6.508416274e-05, -0.0001043906196},
    {12, 0.0006358205514, -0.005370928749},
    {15, 0.0001946005073, -0.004994041623},
    {16, 0.02083585489, -0.007535477835},
    {17, -0.02843463867, 0.02007476016},
    {18, -0.03757010349, 0.02835284673},
};

void CheckTraining(const LossAnswer& answer) {
  CHECK_THAT(answer.data_loss, WithinAbs(1.10454330764, 1e-10));
  CHECK_THAT(answer.loss, WithinAbs(1.50874874744, 1e-10));
  CHECK_THAT(answer.outputs,
             Near({0.0642829130495, 0.208324971698, 0.25438854099,
                   0.0511063846883, 0.196787235833, 0.24991597508,
                   0.0341940796277, 0.185079540689, 0.248919201817}));
  CHECK_THAT(answer.moving[4], Near({-0.23496420675, -0.136772843266,
                                     0.0745706197286, 0.295116564516}));
  CHECK_THAT(answer.moving[5], Near({0.266366059056, 0.339342963049,
                                     0.686820675194, 0.738743267493}));
  CHECK_THAT(answer.moving[13],
             Near({0.310143085176, 0.309436201317, 0.307327450843,
                   0.283065757471, -0.21576884947, -0.246408733614,
                   -0.0629437507954, 0.261829740513}));
  CHECK_THAT(
      answer.moving[14],
      Near({0.325404074214, 0.00399310831292, 0.319075318669, 0.492158833458,
            0.433688157508, 0.175230810514, 0.198398311711, 0.445360598503}));
}

// Constants made with Keras: loss = SparseCategoricalCrossentropy(
// from_logits=True)(labels, model(inputs, training)) + sum(model.losses)
TEST_CASE("the twin has Keras' numbers", "[reference_model]") {
  const ModelSpec model = KerasModel();
  const Floats x = KerasInputs();
  const std::vector<uint8_t> labels = {2, 0, 1};
  LossQuestion question = {
      .model = model, .weights = KerasWeights(), .x = x, .labels = labels};
  CheckTraining(ComputeLoss(question));
  for (const auto& [param, first, last] : kKerasGradients) {
    INFO("parameter " << param);
    const size_t end = question.weights[param].size() - 1;
    CHECK_THAT(LossDerivative(question, param, 0), WithinAbs(first, 1e-8));
    CHECK_THAT(LossDerivative(question, param, end), WithinAbs(last, 1e-8));
  }
  question.training = false;
  const LossAnswer answer = ComputeLoss(question);
  CHECK_THAT(answer.loss, WithinAbs(1.50339362604, 1e-10));
  CHECK_THAT(answer.outputs,
             Near({0.205072945074, 0.260149797289, 0.192874134886,
                   0.203974379333, 0.259196715851, 0.192514786844,
                   0.203046203456, 0.259175760715, 0.193410907977}));
}

}  // namespace
}  // namespace batchsweep::reference
