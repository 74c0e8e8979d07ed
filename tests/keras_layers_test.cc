#include "model/keras_layers.h"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <format>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/keras_json.h"

namespace batchsweep {
namespace {

// A layer "l" of `options` between images of 9 x 8 x 3 and a Dense.
std::string WithLayer(std::string_view class_name, std::string_view options) {
  return std::format(R"({{"class_name": "Sequential", "config": {{"layers": [
      {{"class_name": "InputLayer", "config": {{"batch_shape": [null, 9, 8, 3]}}}},
      {{"class_name": "{}", "config": {{"name": "l"{}{}}}}},
      {{"class_name": "Flatten", "config": {{}}}},
      {{"class_name": "Dense", "config": {{"units": 2}}}}]}}}})",
                     class_name, options.empty() ? "" : ", ", options);
}

template <class Spec>
Spec Read(std::string_view class_name, std::string_view options) {
  const Result<ModelSpec> model =
      ParseKerasJson(WithLayer(class_name, options), "net.json");
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  REQUIRE(std::holds_alternative<Spec>(model->layers.at(0)));
  return std::get<Spec>(model->layers[0]);
}

// Whether the layer is refused with its name and `part` in the message.
bool Refuses(std::string_view class_name, std::string_view options,
             std::string_view part) {
  const Result<ModelSpec> model =
      ParseKerasJson(WithLayer(class_name, options), "net.json");
  if (model) return false;
  UNSCOPED_INFO(model.error().message);
  return model.error().message.starts_with("net.json: layer \"l\"") &&
         model.error().message.contains(part);
}

TEST_CASE("a Conv2D is read with all its options", "[keras_layers]") {
  const auto conv = Read<Conv2DSpec>("Conv2D", R"("filters": 5,
      "kernel_size": [3, 2], "strides": [2, 1], "padding": "same",
      "data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1,
      "activation": "relu6", "use_bias": false,
      "kernel_initializer": {"class_name": "HeUniform", "config": {}},
      "bias_initializer": "ones",
      "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.5}},
      "bias_regularizer": null, "kernel_constraint": null)");
  CHECK(conv.filters == 5);
  CHECK(conv.kernel_size == Extent2D{3, 2});
  CHECK(conv.strides == Extent2D{2, 1});
  CHECK(conv.dilation == Extent2D{1, 1});
  CHECK(conv.padding == Padding::kSame);
  CHECK(conv.activation == Activation::kRelu6);
  CHECK(!conv.use_bias);
  CHECK(conv.kernel_initializer.kind == Initializer::Kind::kHeUniform);
  CHECK(conv.bias_initializer.kind == Initializer::Kind::kOnes);
  CHECK(conv.kernel_l2 == 0.5f);
}

TEST_CASE("a convolution's defaults are Keras'", "[keras_layers]") {
  const auto conv =
      Read<Conv2DSpec>("Conv2D", R"("filters": 5, "kernel_size": 3)");
  CHECK(conv.kernel_size == Extent2D{3, 3});
  CHECK(conv.strides == Extent2D{1, 1});
  CHECK(conv.padding == Padding::kValid);
  CHECK(conv.activation == Activation::kLinear);
  CHECK(conv.use_bias);
  CHECK(conv.kernel_initializer.kind == Initializer::Kind::kGlorotUniform);
  CHECK(conv.kernel_l2 == 0.0f);
}

TEST_CASE("sizes are read as lists, numbers and Keras 2's tuples",
          "[keras_layers]") {
  for (const std::string_view size :
       {"[2, 2]", "2", R"({"class_name": "__tuple__", "items": [2, 2]})"}) {
    CHECK(Read<Conv2DSpec>("Conv2D",
                           std::format(R"("filters": 1, "kernel_size": {},
                               "dilation_rate": {})",
                                       size, size))
              .dilation == Extent2D{2, 2});
  }
}

TEST_CASE("convolutions that are not trained here are refused by option",
          "[keras_layers]") {
  const auto refuses = [](std::string_view options, std::string_view part) {
    return Refuses(
        "Conv2D", std::format(R"("filters": 4, "kernel_size": 2, {})", options),
        part);
  };
  CHECK(Refuses("Conv2D", R"("kernel_size": 2)", "filters is null"));
  CHECK(Refuses("Conv2D", R"("filters": 2)", "kernel_size is null"));
  CHECK(refuses(R"("kernel_size": [2])", "kernel_size is a list"));
  CHECK(refuses(R"("kernel_size": [2, 0])", "kernel_size is a list"));
  CHECK(refuses(R"("kernel_size": 2.5)", "kernel_size is 2.5"));
  CHECK(refuses(R"("groups": 2)", "groups is 2"));
  CHECK(refuses(R"("data_format": "channels_first")", "channels_first"));
  CHECK(refuses(R"("padding": "causal")", "padding is \"causal\""));
  CHECK(refuses(R"("strides": 2, "dilation_rate": 2)",
                "strides and dilation_rate"));
  CHECK(refuses(R"("activation": "leaky_relu")", "put a LeakyReLU behind it"));
  CHECK(refuses(R"("kernel_constraint": {"class_name": "MaxNorm"})",
                "kernel_constraint"));
  CHECK(refuses(R"("kernel_size": 10)", "window larger than its input"));
}

TEST_CASE("an L2 is read from each class that can mean it", "[keras_layers]") {
  const auto l2 = [](std::string_view json) {
    return Read<Conv2DSpec>("Conv2D",
                            std::format(R"("filters": 1, "kernel_size": 1,
                                "kernel_regularizer": {})",
                                        json))
        .kernel_l2;
  };
  CHECK(l2(R"({"class_name": "L2", "config": {"l2": 0.25}})") == 0.25f);
  CHECK(l2(R"({"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.25}})") ==
        0.25f);
  const auto refuses = [](std::string_view json, std::string_view part) {
    return Refuses("Conv2D",
                   std::format(R"("filters": 1, "kernel_size": 1,
                       "kernel_regularizer": {})",
                               json),
                   part);
  };
  CHECK(refuses(R"({"class_name": "L1", "config": {"l1": 0.1}})",
                "kernel_regularizer is \"L1\""));
  CHECK(refuses(R"({"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.1}})",
                "batchsweep trains L2 alone"));
  CHECK(refuses(R"({"class_name": "L2", "config": {"l2": -1}})", "l2 is -1"));
  CHECK(refuses(R"({"class_name": "L2", "config": {}})", "l2 is null"));
}

TEST_CASE("a DepthwiseConv2D is read", "[keras_layers]") {
  const auto conv = Read<DepthwiseConv2DSpec>("DepthwiseConv2D", R"(
      "kernel_size": [3, 3], "depth_multiplier": 2, "groups": 1,
      "padding": "same", "activation": "relu",
      "depthwise_initializer": "he_normal",
      "depthwise_regularizer": {"class_name": "L2", "config": {"l2": 0.5}})");
  CHECK(conv.depth_multiplier == 2);
  CHECK(conv.padding == Padding::kSame);
  CHECK(conv.activation == Activation::kRelu);
  CHECK(conv.kernel_initializer.kind == Initializer::Kind::kHeNormal);
  CHECK(conv.kernel_l2 == 0.5f);
  CHECK(Refuses("DepthwiseConv2D",
                R"("kernel_size": 3, "depth_multiplier": 16777216)",
                "at most 16777216 values"));
}

TEST_CASE("a SeparableConv2D is read as its two parts", "[keras_layers]") {
  const auto conv = Read<SeparableConv2DSpec>("SeparableConv2D", R"(
      "filters": 6, "kernel_size": [3, 3], "strides": [2, 2],
      "depth_multiplier": 2, "activation": "tanh",
      "kernel_initializer": "glorot_uniform",
      "depthwise_initializer": "he_normal",
      "pointwise_initializer": "he_uniform",
      "pointwise_regularizer": {"class_name": "L2", "config": {"l2": 0.5}})");
  CHECK(conv.depthwise.depth_multiplier == 2);
  CHECK(conv.depthwise.strides == Extent2D{2, 2});
  CHECK(conv.depthwise.activation == Activation::kLinear);
  CHECK(!conv.depthwise.use_bias);
  CHECK(conv.depthwise.kernel_initializer.kind == Initializer::Kind::kHeNormal);
  CHECK(conv.pointwise.filters == 6);
  CHECK(conv.pointwise.kernel_size == Extent2D{1, 1});
  CHECK(conv.pointwise.strides == Extent2D{1, 1});
  CHECK(conv.pointwise.activation == Activation::kTanh);
  CHECK(conv.pointwise.use_bias);
  CHECK(conv.pointwise.kernel_l2 == 0.5f);
}

TEST_CASE("poolings are read, their strides by default their size",
          "[keras_layers]") {
  using enum Pooling2DSpec::Kind;
  const auto max = Read<Pooling2DSpec>("MaxPooling2D", "");
  CHECK(max.kind == kMax);
  CHECK(max.pool_size == Extent2D{2, 2});
  CHECK(max.strides == Extent2D{2, 2});
  const auto average = Read<Pooling2DSpec>(
      "AveragePooling2D", R"("pool_size": [3, 2], "padding": "same")");
  CHECK(average.kind == kAverage);
  CHECK(average.strides == Extent2D{3, 2});
  CHECK(average.padding == Padding::kSame);
  CHECK(Read<Pooling2DSpec>("MaxPooling2D",
                            R"("pool_size": 3, "strides": [1, 2])")
            .strides == Extent2D{1, 2});
  CHECK(Read<GlobalAveragePooling2DSpec>("GlobalAveragePooling2D",
                                         R"("keepdims": true)")
            .keepdims);
  CHECK(Refuses("MaxPooling2D", R"("pool_size": 0)", "pool_size is 0"));
}

TEST_CASE("a BatchNormalization is read on the last axis", "[keras_layers]") {
  for (const std::string_view axis : {"-1", "[-1]", "3", "[3]", "null"}) {
    CHECK(Read<BatchNormalizationSpec>("BatchNormalization",
                                       std::format(R"("axis": {})", axis))
              .momentum == 0.99f);
  }
  const auto norm = Read<BatchNormalizationSpec>("BatchNormalization", R"(
      "momentum": 0.9, "epsilon": 0.01, "center": false, "scale": false,
      "gamma_initializer": "zeros", "moving_mean_initializer": "zeros",
      "renorm": false, "renorm_clipping": null, "renorm_momentum": 0.99,
      "fused": null, "synchronized": false)");
  CHECK(norm.momentum == 0.9f);
  CHECK(norm.epsilon == 0.01f);
  CHECK(!norm.center);
  CHECK(!norm.scale);
  CHECK(norm.gamma_initializer.kind == Initializer::Kind::kZeros);
  const auto refuses = [](std::string_view options, std::string_view part) {
    return Refuses("BatchNormalization", options, part);
  };
  CHECK(refuses(R"("axis": 1)", "axis is 1, expected the last"));
  CHECK(refuses(R"("axis": [1, 2])", "axis is a list"));
  CHECK(refuses(R"("renorm": true)", "renorm"));
  CHECK(refuses(R"("synchronized": true)", "synchronized"));
  CHECK(refuses(R"("momentum": 2)", "momentum is 2"));
  CHECK(refuses(R"("epsilon": 0)", "epsilon 0"));
  CHECK(refuses(R"("moving_variance_initializer": "zeros")",
                "moving_variance_initializer"));
  CHECK(refuses(R"("gamma_regularizer": {"class_name": "L2"})",
                "gamma_regularizer"));
}

TEST_CASE("a Dropout is read without its seed", "[keras_layers]") {
  CHECK(Read<DropoutSpec>("Dropout",
                          R"("rate": 0.25, "seed": 7, "noise_shape": null)")
            .rate == 0.25f);
  CHECK(Refuses("Dropout", R"("rate": 1.0)", "rate is 1"));
  CHECK(Refuses("Dropout", R"("rate": -0.5)", "rate is -0.5"));
  CHECK(Refuses("Dropout", R"("rate": 0.5, "noise_shape": [1, 2])",
                "noise_shape"));
}

TEST_CASE("a ReLU is read as relu, relu6 or a leaky one", "[keras_layers]") {
  const auto read = [](std::string_view options) {
    return Read<ActivationSpec>("ReLU", options);
  };
  CHECK(read("").activation == Activation::kRelu);
  CHECK(read(R"("max_value": null, "negative_slope": 0.0, "threshold": 0.0)")
            .activation == Activation::kRelu);
  CHECK(read(R"("max_value": 6.0)").activation == Activation::kRelu6);
  const ActivationSpec leaky = read(R"("negative_slope": 0.25)");
  CHECK(leaky.activation == Activation::kLeakyRelu);
  CHECK(leaky.negative_slope == 0.25f);
  CHECK(Refuses("ReLU", R"("max_value": 1)", "max_value is 1"));
  CHECK(Refuses("ReLU", R"("threshold": 0.5)", "threshold is 0.5"));
  CHECK(Refuses("ReLU", R"("negative_slope": -1)", "negative slope is -1"));
  CHECK(Refuses("ReLU", R"("max_value": 6, "negative_slope": 0.5)",
                "use one of them"));
}

TEST_CASE("a LeakyReLU has the slope of either Keras", "[keras_layers]") {
  const auto slope = [](std::string_view options) {
    return Read<ActivationSpec>("LeakyReLU", options).negative_slope;
  };
  CHECK(slope("") == 0.3f);
  CHECK(slope(R"("alpha": 0.125)") == 0.125f);
  CHECK(slope(R"("negative_slope": 0.25)") == 0.25f);
  CHECK(Read<ActivationSpec>("LeakyReLU", R"("alpha": 0)").activation ==
        Activation::kRelu);
  CHECK(Refuses("LeakyReLU", R"("alpha": "a")", "alpha is \"a\""));
}

TEST_CASE("a ZeroPadding2D is read from one, two or four numbers",
          "[keras_layers]") {
  const auto read = [](std::string_view padding) {
    const auto spec = Read<ZeroPadding2DSpec>(
        "ZeroPadding2D", std::format(R"("padding": {})", padding));
    return std::array{spec.top, spec.bottom, spec.left, spec.right};
  };
  CHECK(read("2") == std::array<int64_t, 4>{2, 2, 2, 2});
  CHECK(read("[1, 2]") == std::array<int64_t, 4>{1, 1, 2, 2});
  CHECK(read("[[0, 1], [2, 3]]") == std::array<int64_t, 4>{0, 1, 2, 3});
  CHECK(read(R"({"class_name": "__tuple__", "items": [
                 {"class_name": "__tuple__", "items": [0, 1]}, [2, 3]]})") ==
        std::array<int64_t, 4>{0, 1, 2, 3});
  CHECK(Refuses("ZeroPadding2D", R"("padding": -1)", "padding is -1"));
  CHECK(Refuses("ZeroPadding2D", R"("padding": [1, 2, 3])", "a list"));
  CHECK(Refuses("ZeroPadding2D", R"("padding": 16777216)", "at most"));
}

TEST_CASE("a Reshape's open dimension is resolved", "[keras_layers]") {
  const auto read = [](std::string_view target) {
    return Read<ReshapeSpec>("Reshape",
                             std::format(R"("target_shape": {})", target))
        .target;
  };
  CHECK(read("[216]") == Shape{{216}});
  CHECK(read("[-1]") == Shape{{216}});
  CHECK(read("[9, -1, 4]") == Shape{{9, 6, 4}});
  CHECK(read(R"({"class_name": "__tuple__", "items": [-1, 8]})") ==
        Shape{{27, 8}});
  const auto refuses = [](std::string_view target, std::string_view part) {
    return Refuses("Reshape", std::format(R"("target_shape": {})", target),
                   part);
  };
  CHECK(refuses("[5, -1]", "make it divide them"));
  CHECK(refuses("[217]", "makes 217 of 9x8x3"));
  CHECK(refuses("[-1, -1]", "has dimension -1"));
  CHECK(refuses("[0]", "has dimension 0"));
  CHECK(refuses("[]", "a list of 0"));
  CHECK(refuses("[1, 1, 1, -1]", "a list of 4"));
  CHECK(refuses("null", "target_shape is null"));
  CHECK(refuses("[16777216, 16777216, -1]", "has dimension 16777216"));
}

TEST_CASE("a Rescaling is read of numbers only", "[keras_layers]") {
  const auto spec =
      Read<RescalingSpec>("Rescaling", R"("scale": 0.5, "offset": -1)");
  CHECK(spec.scale == 0.5f);
  CHECK(spec.offset == -1.0f);
  CHECK(Refuses("Rescaling", R"("scale": [1, 2, 3])", "scale is a list"));
}

TEST_CASE("a layer of images refuses what is none", "[keras_layers]") {
  const Result<ModelSpec> model = ParseKerasJson(
      R"({"class_name": "Sequential", "config": {"layers": [
          {"class_name": "Conv2D", "config": {"name": "l", "filters": 2,
           "kernel_size": 3, "batch_input_shape": [null, 28, 28]}}]}})",
      "net.json");
  REQUIRE(!model);
  CHECK(
      model.error().message ==
      "net.json: layer \"l\" (Conv2D) has an input of 28x28; it takes height, "
      "width and channels, put a Reshape before it");
}

template <class... Specs>
bool EachHasClasses(const std::variant<Specs...>&) {
  return (!Specs::KerasClasses().empty() && ...);
}

TEST_CASE("every layer is read from a class of Keras, no class by two layers",
          "[keras_layers]") {
  CHECK(EachHasClasses(LayerSpec()));
  const std::vector<KerasClass> classes = AllKerasClasses();
  CHECK(std::ranges::is_sorted(classes, {}, &KerasClass::name));
  CHECK(std::ranges::adjacent_find(classes, {}, &KerasClass::name) ==
        classes.end());
}

}  // namespace
}  // namespace batchsweep
