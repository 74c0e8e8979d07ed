#include <catch2/catch_test_macros.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/loss.h"
#include "model/model_spec.h"
#include "util/enum_names.h"

namespace batchsweep {
namespace {

ModelSpec Chain(Shape input, std::vector<LayerSpec> layers) {
  return {.name = "net",
          .input_shape = std::move(input),
          .layers = std::move(layers)};
}

const DenseSpec kDense = {.name = "dense", .units = 3};
const ActivationSpec kSoftmax = {"act", Activation::kSoftmax};
const Conv2DSpec kConv = {.name = "conv", .filters = 6, .kernel_size = {3, 3}};

std::string EndRefusal(const ModelSpec& model, Loss loss) {
  REQUIRE(CheckModel(model, "net.json"));
  const Status status = CheckEnd(model, loss, "net.json");
  REQUIRE(!status);
  return status.error().message;
}

TEST_CASE("every loss is found by Keras' name for it, and no other is",
          "[loss_traits]") {
  using enum Loss;
  CHECK(ParseEnum<Loss>("sparse_categorical_crossentropy") ==
        kSparseCategoricalCrossentropy);
  CHECK(ParseEnum<Loss>("categorical_crossentropy") ==
        kCategoricalCrossentropy);
  CHECK(ParseEnum<Loss>("mean_squared_error") == kMeanSquaredError);
  CHECK(ParseEnum<Loss>("auto") == std::nullopt);
  CHECK(ParseEnum<Loss>("hinge") == std::nullopt);
}

TEST_CASE("cross-entropies tell classes apart, one of them by labels",
          "[loss_traits]") {
  const LossTraits sparse = TraitsOf(Loss::kSparseCategoricalCrossentropy);
  CHECK(sparse.reads == GroundTruth::kLabel);
  CHECK(sparse.tells_classes);
  const LossTraits categorical = TraitsOf(Loss::kCategoricalCrossentropy);
  CHECK(categorical.reads == GroundTruth::kTargets);
  CHECK(categorical.tells_classes);
  const LossTraits squared = TraitsOf(Loss::kMeanSquaredError);
  CHECK(squared.reads == GroundTruth::kTargets);
  CHECK_FALSE(squared.tells_classes);
}

TEST_CASE("labels choose the sparse loss, targets one by the model's end",
          "[loss_traits]") {
  using enum Loss;
  const ModelSpec scores = Chain({{4}}, {kDense});
  const ModelSpec shares = Chain({{4}}, {kDense, kSoftmax});
  CHECK(DefaultLoss(scores, GroundTruth::kLabel) ==
        kSparseCategoricalCrossentropy);
  CHECK(DefaultLoss(shares, GroundTruth::kLabel) ==
        kSparseCategoricalCrossentropy);
  CHECK(DefaultLoss(scores, GroundTruth::kTargets) == kMeanSquaredError);
  CHECK(DefaultLoss(shares, GroundTruth::kTargets) == kCategoricalCrossentropy);
}

TEST_CASE("a softmax end is seen inside any layer that has activations",
          "[loss_traits]") {
  DenseSpec dense = kDense;
  Conv2DSpec conv = kConv;
  SeparableConv2DSpec separable = {.name = "sep", .pointwise = kConv};
  CHECK_FALSE(EndsInSoftmax(Chain({{4}}, {dense})));
  CHECK_FALSE(EndsInSoftmax(Chain({{9, 9, 1}}, {separable})));
  CHECK_FALSE(EndsInSoftmax(Chain({{4}}, {kSoftmax, FlattenSpec{"f"}})));
  dense.activation = Activation::kSoftmax;
  conv.activation = Activation::kSoftmax;
  separable.pointwise.activation = Activation::kSoftmax;
  CHECK(EndsInSoftmax(Chain({{4}}, {dense})));
  CHECK(EndsInSoftmax(Chain({{9, 9, 1}}, {conv})));
  CHECK(EndsInSoftmax(Chain({{9, 9, 1}}, {separable})));
  CHECK(EndsInSoftmax(Chain({{4}}, {kSoftmax})));
}

TEST_CASE("cross-entropies want a row of two or more scores", "[loss_traits]") {
  for (const Loss loss :
       {Loss::kSparseCategoricalCrossentropy, Loss::kCategoricalCrossentropy}) {
    CHECK(CheckEnd(Chain({{4}}, {kDense}), loss, "net.json"));
    CHECK(CheckEnd(Chain({{4}}, {kDense, kSoftmax}), loss, "net.json"));
    CHECK(CheckEnd(
        Chain({{9, 9, 1}},
              {kConv, GlobalAveragePooling2DSpec{.name = "pool"}, kSoftmax}),
        loss, "net.json"));
    CHECK(EndRefusal(Chain({{4}}, {DenseSpec{.name = "d", .units = 1}}), loss)
              .contains("layer \"d\" is the last and gives 1 score"));
    CHECK(EndRefusal(
              Chain({{4}}, {kDense, ActivationSpec{"act", Activation::kTanh}}),
              loss)
              .contains("layer \"act\" is the last but gives no class scores"));
    CHECK(EndRefusal(Chain({{9, 9, 1}}, {kConv}), loss)
              .contains("layer \"conv\" is the last and gives 7x7x6"));
  }
}

TEST_CASE("mean squared error takes any end but softmax", "[loss_traits]") {
  constexpr Loss kLoss = Loss::kMeanSquaredError;
  CHECK(CheckEnd(Chain({{4}}, {DenseSpec{.name = "d", .units = 1}}), kLoss,
                 "net.json"));
  CHECK(CheckEnd(Chain({{9, 9, 1}}, {kConv}), kLoss, "net.json"));
  CHECK(CheckEnd(Chain({{4}}, {DenseSpec{.name = "d",
                                         .units = 2,
                                         .activation = Activation::kSigmoid}}),
                 kLoss, "net.json"));
  CHECK(
      EndRefusal(Chain({{4}}, {DenseSpec{.name = "d",
                                         .units = 2,
                                         .activation = Activation::kSoftmax}}),
                 kLoss)
          .contains("layer \"d\" is the last and softmax"));
}

}  // namespace
}  // namespace batchsweep
