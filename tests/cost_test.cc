#include "model/cost.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/model_spec.h"

namespace batchsweep {
namespace {

ModelSpec Chain(Shape input, std::vector<LayerSpec> layers) {
  return {.name = "net",
          .input_shape = std::move(input),
          .layers = std::move(layers)};
}

int64_t FlopsOf(Shape input, LayerSpec layer) {
  const ModelSpec model = Chain(std::move(input), {std::move(layer)});
  return ForwardFlops(model).at(0);
}

TEST_CASE("a kernel's arithmetic is a multiply and an add for each meeting",
          "[cost]") {
  CHECK(FlopsOf({{10}}, DenseSpec{.name = "d", .units = 3}) == 2 * 10 * 3);
  // 7 x 8 outputs of 6 filters, each over 3 x 3 x 3 values.
  CHECK(FlopsOf({{9, 10, 3}},
                Conv2DSpec{.name = "c", .filters = 6, .kernel_size = {3, 3}}) ==
        2 * 7 * 8 * 6 * 3 * 3 * 3);
  CHECK(FlopsOf({{9, 10, 3}}, DepthwiseConv2DSpec{.name = "d",
                                                  .depth_multiplier = 2,
                                                  .kernel_size = {3, 3}}) ==
        2 * 7 * 8 * 6 * 3 * 3);
  CHECK(
      FlopsOf({{9, 10, 3}},
              SeparableConv2DSpec{.name = "s",
                                  .depthwise = {.name = "s",
                                                .depth_multiplier = 2,
                                                .kernel_size = {3, 3}},
                                  .pointwise = {.name = "s", .filters = 5}}) ==
      2 * 7 * 8 * (6 * 3 * 3 + 6 * 5));
}

TEST_CASE("layers without kernels count no arithmetic", "[cost]") {
  const Shape input = {{4, 4, 2}};
  CHECK(FlopsOf(input, Pooling2DSpec{.name = "p"}) == 0);
  CHECK(FlopsOf(input, BatchNormalizationSpec{.name = "b"}) == 0);
  CHECK(FlopsOf(input, ActivationSpec{"a", Activation::kTanh}) == 0);
  CHECK(FlopsOf(input, FlattenSpec{"f"}) == 0);
}

// A forward pass and a kernel's gradient; the input's only behind weights.
TEST_CASE("an input's gradient is counted behind layers that train", "[cost]") {
  const DenseSpec first = {.name = "first", .units = 4};
  const DenseSpec second = {.name = "second", .units = 3};
  CHECK(TrainingFlops(Chain({{5}}, {first})) == 2 * (2 * 5 * 4));
  CHECK(TrainingFlops(Chain({{5}}, {first, second})) ==
        2 * (2 * 5 * 4) + 3 * (2 * 4 * 3));
  CHECK(TrainingFlops(Chain({{5}}, {DropoutSpec{"d", 0.5f}, first})) ==
        2 * (2 * 5 * 4));
}

TEST_CASE("a batch normalisation trains by its gamma and beta alone",
          "[cost]") {
  const DenseSpec dense = {.name = "dense", .units = 4};
  BatchNormalizationSpec norm = {.name = "norm"};
  CHECK(TrainingFlops(Chain({{5}}, {norm, dense})) == 3 * (2 * 5 * 4));
  norm.scale = false;
  CHECK(TrainingFlops(Chain({{5}}, {norm, dense})) == 3 * (2 * 5 * 4));
  norm.center = false;
  CHECK(TrainingFlops(Chain({{5}}, {norm, dense})) == 2 * (2 * 5 * 4));
}

TEST_CASE("one branch that trains makes a merge pass gradients on", "[cost]") {
  const DenseSpec branch = {.name = "branch", .units = 5};
  const DenseSpec last = {.name = "last", .units = 3};
  ModelSpec model = Chain({{5}}, {branch, AddSpec{"add"}, last});
  model.inputs = {{kModelInput}, {kModelInput, 0}, {1}};
  CHECK(TrainingFlops(model) == 2 * (2 * 5 * 5) + 3 * (2 * 5 * 3));
}

}  // namespace
}  // namespace batchsweep
