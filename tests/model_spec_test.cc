#include "model/model_spec.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <format>
#include <string>
#include <utility>
#include <vector>

#include "model/describe.h"

namespace batchsweep {
namespace {

ModelSpec Chain(Shape input, std::vector<LayerSpec> layers) {
  return {.name = "net",
          .input_shape = std::move(input),
          .layers = std::move(layers)};
}

Shape ShapeBehind(Shape input, LayerSpec layer) {
  return LayerOutputShapes(Chain(std::move(input), {std::move(layer)})).back();
}

Conv2DSpec Conv(int64_t size, int64_t stride, int64_t dilation,
                Padding padding) {
  return {.name = "conv",
          .filters = 6,
          .kernel_size = {size, size},
          .strides = {stride, stride},
          .dilation = {dilation, dilation},
          .padding = padding};
}

std::string Refusal(const ModelSpec& model) {
  const Status status = CheckModel(model, "net.json");
  REQUIRE(!status);
  return status.error().message;
}

const DenseSpec kDense = {.name = "dense", .units = 3};

// Expected values are those of Keras 3.
TEST_CASE("a window slides as far as Keras lets it", "[model_spec]") {
  using enum Padding;
  const Shape input = {{9, 10, 3}};
  CHECK(ShapeBehind(input, Conv(3, 1, 1, kValid)) == Shape{{7, 8, 6}});
  CHECK(ShapeBehind(input, Conv(3, 2, 1, kValid)) == Shape{{4, 4, 6}});
  CHECK(ShapeBehind(input, Conv(3, 1, 2, kValid)) == Shape{{5, 6, 6}});
  CHECK(ShapeBehind(input, Conv(4, 3, 1, kValid)) == Shape{{2, 3, 6}});
  CHECK(ShapeBehind(input, Conv(9, 1, 1, kValid)) == Shape{{1, 2, 6}});
  CHECK(ShapeBehind(input, Conv(3, 1, 1, kSame)) == Shape{{9, 10, 6}});
  CHECK(ShapeBehind(input, Conv(3, 2, 1, kSame)) == Shape{{5, 5, 6}});
  CHECK(ShapeBehind(input, Conv(2, 4, 1, kSame)) == Shape{{3, 3, 6}});
  CHECK(ShapeBehind(input, Conv(3, 1, 4, kSame)) == Shape{{9, 10, 6}});
  CHECK(ShapeBehind(input, Conv(20, 1, 1, kSame)) == Shape{{9, 10, 6}});
}

TEST_CASE("every layer's output has Keras' shape", "[model_spec]") {
  const Shape input = {{9, 10, 3}};
  CHECK(ShapeBehind(input, DepthwiseConv2DSpec{.name = "d",
                                               .depth_multiplier = 2,
                                               .kernel_size = {3, 2},
                                               .strides = {2, 1}}) ==
        Shape{{4, 9, 6}});
  CHECK(ShapeBehind(
            input,
            SeparableConv2DSpec{.name = "s",
                                .depthwise = {.name = "s",
                                              .depth_multiplier = 2,
                                              .kernel_size = {3, 3}},
                                .pointwise = {.name = "s", .filters = 5}}) ==
        Shape{{7, 8, 5}});
  CHECK(ShapeBehind(input, Pooling2DSpec{.name = "p"}) == Shape{{4, 5, 3}});
  CHECK(ShapeBehind(input, Pooling2DSpec{.name = "p",
                                         .pool_size = {3, 3},
                                         .strides = {2, 2},
                                         .padding = Padding::kSame}) ==
        Shape{{5, 5, 3}});
  CHECK(ShapeBehind(input, GlobalAveragePooling2DSpec{.name = "g"}) ==
        Shape{{3}});
  CHECK(ShapeBehind(
            input, GlobalAveragePooling2DSpec{.name = "g", .keepdims = true}) ==
        Shape{{1, 1, 3}});
  CHECK(ShapeBehind(
            input,
            ZeroPadding2DSpec{
                .name = "z", .top = 1, .bottom = 2, .left = 3, .right = 4}) ==
        Shape{{12, 17, 3}});
  CHECK(ShapeBehind(input, ReshapeSpec{"r", {{27, 10}}}) == Shape{{27, 10}});
  CHECK(ShapeBehind(input, BatchNormalizationSpec{.name = "b"}) == input);
  CHECK(ShapeBehind(input, DropoutSpec{.name = "d"}) == input);
  CHECK(ShapeBehind(input, RescalingSpec{.name = "r"}) == input);
  CHECK(ShapeBehind(input, FlattenSpec{"f"}) == Shape{{270}});
}

TEST_CASE("parameters come in Keras' order with their names and shapes",
          "[model_spec]") {
  const ModelSpec model = Chain(
      {{9, 10, 3}},
      {Conv2DSpec{.name = "conv",
                  .filters = 6,
                  .kernel_size = {3, 2},
                  .kernel_l2 = 0.5f},
       DepthwiseConv2DSpec{
           .name = "depth", .depth_multiplier = 2, .kernel_size = {2, 3}},
       BatchNormalizationSpec{.name = "norm"},
       SeparableConv2DSpec{
           .name = "sep",
           .depthwise = {.name = "sep",
                         .depth_multiplier = 2,
                         .kernel_size = {2, 2},
                         .kernel_l2 = 0.25f},
           .pointwise = {.name = "sep", .filters = 5, .use_bias = false}},
       BatchNormalizationSpec{.name = "bare", .center = false, .scale = false},
       FlattenSpec{"flat"}, kDense});
  REQUIRE(CheckModel(model, "net.json"));
  const std::vector<std::pair<std::string, Shape>> expected = {
      {"conv/kernel", {{3, 2, 3, 6}}},
      {"conv/bias", {{6}}},
      {"depth/kernel", {{2, 3, 6, 2}}},
      {"depth/bias", {{12}}},
      {"norm/gamma", {{12}}},
      {"norm/beta", {{12}}},
      {"norm/moving_mean", {{12}}},
      {"norm/moving_variance", {{12}}},
      {"sep/depthwise_kernel", {{2, 2, 12, 2}}},
      {"sep/pointwise_kernel", {{1, 1, 24, 5}}},
      {"bare/moving_mean", {{5}}},
      {"bare/moving_variance", {{5}}},
      {"dense/kernel", {{5 * 6 * 5, 3}}},
      {"dense/bias", {{3}}},
  };
  const std::vector<ParamSpec> params = ModelParams(model);
  REQUIRE(params.size() == expected.size());
  for (size_t i = 0; i < params.size(); ++i) {
    INFO(params[i].name);
    CHECK(params[i].name == expected[i].first);
    CHECK(params[i].shape == expected[i].second);
    CHECK(params[i].trainable == !params[i].name.contains("moving"));
  }
  CHECK(params[0].l2 == 0.5f);
  CHECK(params[1].l2 == 0.0f);
  CHECK(params[8].l2 == 0.25f);
  CHECK(params[6].initializer.kind == Initializer::Kind::kZeros);
  CHECK(params[7].initializer.kind == Initializer::Kind::kOnes);
}

TEST_CASE("layers of a graph read what its inputs say", "[model_spec]") {
  ModelSpec model =
      Chain({{4}}, {DenseSpec{.name = "a", .units = 4}, AddSpec{"add"},
                    ConcatenateSpec{"cat"}, kDense});
  model.inputs = {{kModelInput}, {kModelInput, 0}, {1, 0, kModelInput}, {2}};
  REQUIRE(CheckModel(model, "net.json"));
  CHECK(LayerOutputShapes(model) ==
        std::vector<Shape>{{{4}}, {{4}}, {{12}}, {{3}}});
  CHECK(LayerInputs(model, 2) == std::vector{1, 0, kModelInput});
}

TEST_CASE("merges of shapes that do not fit are refused", "[model_spec]") {
  ModelSpec model =
      Chain({{4, 4, 2}}, {Conv(3, 1, 1, Padding::kValid), AddSpec{"add"},
                          FlattenSpec{"flat"}, kDense});
  model.inputs = {{kModelInput}, {kModelInput, 0}, {1}, {2}};
  CHECK(Refusal(model) ==
        "net.json: layer \"add\" adds 4x4x2 and 2x2x6; give them one shape");
  model.layers[1] = ConcatenateSpec{"cat"};
  CHECK(Refusal(model) ==
        "net.json: layer \"cat\" concatenates 4x4x2 and 2x2x6; only their last "
        "dimensions may differ");
  model.inputs = {};
  CHECK(Refusal(model).contains("merges one input"));
}

TEST_CASE("a layer that nothing reads is refused", "[model_spec]") {
  ModelSpec model =
      Chain({{4}}, {DenseSpec{.name = "idle", .units = 4}, kDense});
  model.inputs = {{kModelInput}, {kModelInput}};
  CHECK(Refusal(model) ==
        "net.json: layer \"idle\" is read by no other; remove it");
}

TEST_CASE("sizes beyond any board are refused, none overflows",
          "[model_spec]") {
  constexpr int64_t kMost = kMaxWidth;
  CHECK(Refusal(Chain({{kMost}}, {DenseSpec{.name = "d", .units = kMost}}))
            .contains("d/kernel has 16777216x16777216 weights, expected at "
                      "most 2147483647"));
  // Each of these has less than 2^31 weights.
  std::vector<LayerSpec> layers;
  for (int i = 0; i < 700; ++i) {
    layers.push_back(DenseSpec{.name = std::format("d{}", i),
                               .units = i % 2 == 0 ? 127 : kMost});
  }
  CHECK(Refusal(Chain({{kMost}}, layers))
            .contains("brings the model beyond 1099511627776 weights"));
  CHECK(Refusal(Chain({{1, 1, 1}}, {Conv2DSpec{.name = "c",
                                               .filters = kMost,
                                               .kernel_size = {kMost, kMost},
                                               .padding = Padding::kSame}}))
            .contains("reads 16777216x16777216 values at each of 1x1 places"));
  CHECK(Refusal(Chain({{64, 64, 1}}, {Conv2DSpec{.name = "c",
                                                 .filters = kMost,
                                                 .kernel_size = {1, 1}}}))
            .contains("layer \"c\" gives 64x64x16777216; at most"));
  CHECK(Refusal(Chain({{1, 1, kMost}},
                      {DepthwiseConv2DSpec{.name = "d",
                                           .depth_multiplier = kMost}}))
            .contains("layer \"d\" gives"));
  CHECK(Refusal(Chain({{1, 1, kMost}}, {ZeroPadding2DSpec{.name = "z",
                                                          .top = kMost,
                                                          .bottom = kMost,
                                                          .left = kMost,
                                                          .right = kMost}}))
            .contains("layer \"z\" gives"));
  CHECK(Refusal(Chain({{8, 8, 1}}, {Conv2DSpec{.name = "c",
                                               .filters = 1,
                                               .kernel_size = {kMost, 2},
                                               .dilation = {kMost, 1}}}))
            .contains("window larger than its input of 8x8x1"));
}

TEST_CASE("softmax anywhere but last is refused", "[model_spec]") {
  Conv2DSpec conv = Conv(3, 1, 1, Padding::kValid);
  conv.activation = Activation::kSoftmax;
  CHECK(Refusal(Chain({{9, 9, 1}}, {conv, FlattenSpec{"flat"}, kDense}))
            .contains("layer \"conv\" is softmax but not the last"));
}

TEST_CASE("layers are described by what is not at its default",
          "[model_spec]") {
  const ModelSpec model =
      Chain({{9, 10, 3}}, {RescalingSpec{"r", 0.5f, -1.0f},
                           ZeroPadding2DSpec{"z", 0, 1, 0, 1},
                           Conv2DSpec{.name = "c",
                                      .filters = 6,
                                      .kernel_size = {3, 2},
                                      .strides = {2, 2},
                                      .padding = Padding::kSame,
                                      .activation = Activation::kRelu,
                                      .use_bias = false},
                           Pooling2DSpec{.name = "p"},
                           ActivationSpec{"a", Activation::kLeakyRelu, 0.25f},
                           FlattenSpec{"f"}, kDense});
  CHECK(DescribeLayers(model) ==
        std::vector<std::string>{
            "r: Rescaling x*0.5-1", "z: ZeroPadding2D 0,1,0,1",
            "c: Conv2D 6 3x2 strides 2x2 same relu without bias",
            "p: MaxPooling2D 2x2", "a: Activation leaky_relu 0.25",
            "f: Flatten", "dense: Dense 3 linear"});
  CHECK(SummarizeLayers(Chain({{4}}, {kDense, DropoutSpec{"d", 0.5f}})) ==
        "Dense 3 linear, Dropout 0.5");
  std::vector<LayerSpec> many(8, DropoutSpec{"d", 0.5f});
  many.push_back(kDense);
  CHECK(SummarizeLayers(Chain({{4}}, many)) == "8 Dropout, 1 Dense");
}

}  // namespace
}  // namespace batchsweep
