// Every layer inside small networks, against the naive twin: outputs, loss,
// gradients by finite differences, running statistics, in both directions, for
// odd shapes, with kept and with shared packed weights.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "graph/kernel_chooser.h"
#include "graph/network.h"
#include "tests/fixtures.h"
#include "tests/reference.h"
#include "tests/reference_model.h"
#include "util/enum_names.h"

namespace batchsweep {
namespace {

using reference::AllNear;
using reference::RandomFloats;

constexpr int64_t kClasses = 3;

struct Trial {
  ModelSpec model;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  bool lean = false;
  int64_t batch = 3;
};

std::vector<std::vector<double>> Doubles(
    const std::vector<NamedTensor>& weights) {
  std::vector<std::vector<double>> doubles;
  for (const NamedTensor& tensor : weights) {
    doubles.emplace_back(tensor.values.begin(), tensor.values.end());
  }
  return doubles;
}

// Weights that keep values apart: no relu at its corner, variances above 0.
std::vector<NamedTensor> RandomWeights(Network& network, Rng& rng) {
  std::vector<NamedTensor> weights = WeightsOf(network);
  for (NamedTensor& tensor : weights) {
    const bool variance = tensor.name.ends_with("moving_variance");
    const bool gamma = tensor.name.ends_with("gamma");
    tensor.values = RandomFloats(tensor.values.size(),
                                 variance || gamma ? 0.5f : -0.7f, 1.0f, rng);
  }
  return weights;
}

// The same network by XNNPACK wherever that has an operator, and by ours.
std::vector<Network> NetworksOf(const Trial& trial, TestEngine& engine) {
  std::vector<Network> networks;
  for (const Library library : EnumValues<Library>()) {
    PreferredKernels chooser(library);
    ComputeContext context = engine.context();
    context.chooser = &chooser;
    networks.push_back(MakeNetwork(
        trial.model, {.max_batch = 4, .loss = trial.loss, .lean = trial.lean},
        context));
  }
  return networks;
}

// One step of `network` on the twin's data, against what the twin makes of it.
void CheckStep(const Trial& trial, const reference::LossQuestion& question,
               const reference::LossAnswer& want,
               const std::vector<std::vector<double>>& gradient,
               Network& network) {
  // Anew each time: what is no longer needed makes room.
  std::ranges::copy(question.x, network.input());
  std::ranges::copy(question.labels, network.labels());
  if (trial.loss != Loss::kSparseCategoricalCrossentropy) {
    std::ranges::copy(question.targets, network.targets());
  }
  network.Forward({.training = question.training});
  const std::vector<float> outputs(network.outputs(),
                                   network.outputs() + question.targets.size());
  const double loss =
      network.ScoreOutputs().loss_sum / static_cast<double>(trial.batch);
  CHECK(AllNear(outputs, want.outputs, 2e-5, 2e-5));
  CHECK(std::abs(loss - want.loss) < 2e-5 * (1 + std::abs(want.loss)));
  if (!question.training) return;
  const auto after = WeightsOf(network);
  for (size_t p = 0; p < after.size(); ++p) {
    if (want.moving[p].empty()) continue;
    INFO(after[p].name);
    CHECK(AllNear(after[p].values, want.moving[p], 1e-5, 1e-5));
  }
  network.Backward();
  for (size_t p = 0; p < gradient.size(); ++p) {
    if (!network.param_specs()[p].trainable) continue;
    INFO(after[p].name);
    CHECK(AllNear(network.ParamPart(network.grads(), p), gradient[p], 2e-5,
                  2e-4));
  }
}

void CheckAgainstTwin(const Trial& trial) {
  TestEngine engine;
  REQUIRE(CheckModel(trial.model, "test"));
  std::vector<Network> networks = NetworksOf(trial, engine);
  Rng rng(17, 0);
  const auto weights = RandomWeights(networks[0], rng);
  for (Network& network : networks) {
    network.SetWeights(weights);
    REQUIRE(network.SetBatch(trial.batch));
  }
  const auto batch = static_cast<size_t>(trial.batch);
  const auto x = RandomFloats(
      batch * static_cast<size_t>(networks[0].input_size()), -1, 1, rng);
  std::vector<uint8_t> labels(batch);
  for (uint8_t& label : labels) {
    label = static_cast<uint8_t>(rng.Below(kClasses));
  }
  const auto targets = RandomFloats(
      batch * static_cast<size_t>(networks[0].output_size()), 0, 1, rng);

  reference::LossQuestion question = {.model = trial.model,
                                      .weights = Doubles(weights),
                                      .x = x,
                                      .loss = trial.loss,
                                      .labels = labels,
                                      .targets = targets};
  for (const bool training : {false, true}) {
    question.training = training;
    const auto want = reference::ComputeLoss(question);
    const auto gradient = training ? reference::LossGradient(question)
                                   : std::vector<std::vector<double>>();
    for (size_t i = 0; i < networks.size(); ++i) {
      INFO((training ? "training" : "inference")
           << ", by " << NameOf(static_cast<Library>(i)));
      CheckStep(trial, question, want, gradient, networks[i]);
    }
  }
}

DenseSpec Classifier() {
  return {
      .name = "classes", .units = kClasses, .activation = Activation::kSoftmax};
}

// input -> a trained 1x1 convolution, so that what follows has to give a dx ->
// `layers` -> Flatten -> Dense.
ModelSpec Around(Shape input, std::vector<LayerSpec> layers) {
  const int64_t channels = input.dims[2];
  ModelSpec model{
      .name = "test", .input_shape = std::move(input), .layers = {}};
  model.layers.emplace_back(
      Conv2DSpec{.name = "front", .filters = channels, .use_bias = false});
  for (LayerSpec& layer : layers) model.layers.push_back(std::move(layer));
  model.layers.emplace_back(FlattenSpec{"flatten"});
  model.layers.emplace_back(Classifier());
  return model;
}

TEST_CASE("convolutions match the naive twin", "[layers][convolution]") {
  const Extent2D kernel = GENERATE(Extent2D{3, 3}, Extent2D{2, 3});
  const Extent2D strides = GENERATE(Extent2D{1, 1}, Extent2D{2, 2});
  const Padding padding = GENERATE(Padding::kValid, Padding::kSame);
  const int64_t channels = GENERATE(1, 5);  // our product, and XNNPACK's
  const bool lean = GENERATE(false, true);
  const auto activation = GENERATE(Activation::kLinear, Activation::kRelu6);
  CheckAgainstTwin({.model = Around({{6, 5, channels}},
                                    {Conv2DSpec{.name = "conv",
                                                .filters = 3,
                                                .kernel_size = kernel,
                                                .strides = strides,
                                                .padding = padding,
                                                .activation = activation}}),
                    .lean = lean});
}

TEST_CASE("dilated convolutions match the naive twin",
          "[layers][convolution]") {
  const Padding padding = GENERATE(Padding::kValid, Padding::kSame);
  const int64_t channels = GENERATE(2, 4);
  const Extent2D dilation = GENERATE(Extent2D{2, 2}, Extent2D{2, 1});
  const bool use_bias = GENERATE(false, true);
  CheckAgainstTwin({.model = Around({{7, 6, channels}},
                                    {Conv2DSpec{.name = "conv",
                                                .filters = 2,
                                                .kernel_size = {3, 2},
                                                .dilation = dilation,
                                                .padding = padding,
                                                .activation = Activation::kTanh,
                                                .use_bias = use_bias,
                                                .kernel_l2 = 0.01f}})});
}

TEST_CASE("a convolution with its pooling built in matches the naive twin",
          "[layers][convolution][pooling]") {
  const int64_t channels = GENERATE(1, 4);
  const auto activation = GENERATE(Activation::kLinear, Activation::kRelu);
  const Padding padding = GENERATE(Padding::kValid, Padding::kSame);
  const Extent2D pool = GENERATE(Extent2D{2, 2}, Extent2D{3, 2});
  const Extent2D strides = GENERATE(Extent2D{2, 2}, Extent2D{1, 2});
  CheckAgainstTwin({.model = Around({{7, 8, channels}},
                                    {Conv2DSpec{.name = "conv",
                                                .filters = 3,
                                                .kernel_size = {2, 2},
                                                .padding = padding,
                                                .activation = activation},
                                     Pooling2DSpec{.name = "pool",
                                                   .pool_size = pool,
                                                   .strides = strides,
                                                   .padding = padding}})});
}

TEST_CASE("a pooling that is not the convolution's only reader stands alone",
          "[layers][pooling]") {
  ModelSpec model =
      Around({{6, 6, 2}}, {Conv2DSpec{.name = "conv",
                                      .filters = 2,
                                      .kernel_size = {3, 3},
                                      .padding = Padding::kSame,
                                      .activation = Activation::kRelu},
                           Pooling2DSpec{.name = "pool",
                                         .pool_size = {3, 3},
                                         .strides = {1, 1},
                                         .padding = Padding::kSame},
                           AddSpec{"add"}});
  // add = conv + pool(conv)
  model.inputs = {{kModelInput}, {0}, {1}, {1, 2}, {3}, {4}};
  CheckAgainstTwin({.model = model});
}

TEST_CASE("poolings match the naive twin", "[layers][pooling]") {
  const auto kind =
      GENERATE(Pooling2DSpec::Kind::kMax, Pooling2DSpec::Kind::kAverage);
  const Padding padding = GENERATE(Padding::kValid, Padding::kSame);
  const Extent2D pool =
      GENERATE(Extent2D{2, 2}, Extent2D{3, 3}, Extent2D{1, 2});
  const Extent2D strides =
      GENERATE(Extent2D{2, 2}, Extent2D{1, 1}, Extent2D{3, 2});
  const int64_t channels = GENERATE(1, 3, 9);
  CheckAgainstTwin(
      {.model = Around({{7, 6, channels}},
                       {ActivationSpec{"tanh", Activation::kTanh},
                        Pooling2DSpec{.name = "pool",
                                      .kind = kind,
                                      .pool_size = pool,
                                      .strides = strides,
                                      .padding = padding},
                        GlobalAveragePooling2DSpec{.name = "gap"}}),
       .batch = 2});
}

TEST_CASE("depthwise and separable convolutions match the naive twin",
          "[layers][depthwise]") {
  const int64_t multiplier = GENERATE(1, 2);
  const int64_t channels = GENERATE(3, 17);
  const Extent2D strides = GENERATE(Extent2D{1, 1}, Extent2D{2, 2});
  const Padding padding = GENERATE(Padding::kValid, Padding::kSame);
  const bool use_bias = GENERATE(true, false);
  const bool lean = GENERATE(false, true);
  const DepthwiseConv2DSpec depthwise{.name = "depthwise",
                                      .depth_multiplier = multiplier,
                                      .kernel_size = {3, 2},
                                      .strides = strides,
                                      .padding = padding,
                                      .activation = Activation::kRelu6,
                                      .use_bias = use_bias};
  if (channels == 17) {
    CheckAgainstTwin(
        {.model =
             Around({{5, 6, channels}},
                    {depthwise, GlobalAveragePooling2DSpec{.name = "gap"}}),
         .lean = lean});
    return;
  }
  SeparableConv2DSpec separable{.name = "separable",
                                .depthwise = depthwise,
                                .pointwise = {.name = "separable",
                                              .filters = 4,
                                              .activation = Activation::kRelu,
                                              .use_bias = use_bias}};
  separable.depthwise.use_bias = false;
  separable.depthwise.activation = Activation::kLinear;
  CheckAgainstTwin(
      {.model = Around({{5, 6, channels}}, {separable}), .lean = lean});
}

TEST_CASE("dilated and widely strided depthwise convolutions match the twin",
          "[layers][depthwise]") {
  const Padding padding = GENERATE(Padding::kValid, Padding::kSame);
  const int64_t multiplier = GENERATE(1, 3);
  // Strides above the window's size leave pixels that no tap reads.
  const auto [strides, dilation] =
      GENERATE(std::pair<Extent2D, Extent2D>{{1, 1}, {2, 3}},
               std::pair<Extent2D, Extent2D>{{3, 4}, {1, 1}});
  CheckAgainstTwin(
      {.model = Around({{8, 9, 5}},
                       {DepthwiseConv2DSpec{.name = "depthwise",
                                            .depth_multiplier = multiplier,
                                            .kernel_size = {3, 2},
                                            .strides = strides,
                                            .dilation = dilation,
                                            .padding = padding}})});
}

TEST_CASE("a pooling behind a separable convolution is built into it",
          "[layers][depthwise][pooling]") {
  const ModelSpec model =
      Around({{7, 6, 3}},
             {SeparableConv2DSpec{
                  .name = "separable",
                  .depthwise = {.kernel_size = {3, 3}, .use_bias = false},
                  .pointwise = {.filters = 4, .activation = Activation::kRelu}},
              Pooling2DSpec{.name = "pool"}});
  CheckAgainstTwin({.model = model});
  TestEngine engine;
  const Network network = MakeNetwork(model, {}, engine.context());
  for (const TensorPlan& tensor : network.plan().memory.tensors()) {
    CHECK(!tensor.name.starts_with("pool"));
  }
}

TEST_CASE("batch normalisation matches the naive twin",
          "[layers][batch_norm]") {
  const bool center = GENERATE(true, false);
  const bool scale = GENERATE(true, false);
  const auto activation = GENERATE(Activation::kRelu, Activation::kLeakyRelu,
                                   Activation::kRelu6, Activation::kSigmoid);
  CheckAgainstTwin(
      {.model = Around({{4, 3, 6}}, {BatchNormalizationSpec{.name = "bn",
                                                            .momentum = 0.9f,
                                                            .center = center,
                                                            .scale = scale},
                                     ActivationSpec{.name = "activation",
                                                    .activation = activation,
                                                    .negative_slope = 0.3f}})});
}

TEST_CASE("batch normalisation of a mean far from zero keeps its digits",
          "[layers][batch_norm]") {
  TestEngine engine;
  const ModelSpec model{.name = "test",
                        .input_shape = {{5, 5, 2}},
                        .layers = {BatchNormalizationSpec{.name = "bn"},
                                   FlattenSpec{"flatten"}, Classifier()}};
  Network network = MakeNetwork(model, {.max_batch = 8}, engine.context());
  Rng rng(3, 0);
  auto x = RandomFloats(8 * 50, -1, 1, rng);
  for (float& value : x) value += 1000.0f;
  const std::vector<uint8_t> labels(8, 1);
  std::ranges::copy(x, network.input());
  std::ranges::copy(labels, network.labels());
  network.Forward({.training = true});
  const auto want =
      reference::ComputeLoss({.model = model,
                              .weights = Doubles(WeightsOf(network)),
                              .x = x,
                              .labels = labels});
  CHECK(AllNear({network.outputs(), 8 * 3}, want.outputs, 1e-3, 1e-3));
}

TEST_CASE("padding, rescaling and merging match the naive twin", "[layers]") {
  ModelSpec model{
      .name = "test",
      .input_shape = {{4, 5, 2}},
      .layers = {
          RescalingSpec{.name = "rescale", .scale = 2, .offset = -1},
          Conv2DSpec{.name = "a",
                     .filters = 3,
                     .kernel_size = {2, 2},
                     .padding = Padding::kSame,
                     .activation = Activation::kRelu},
          ZeroPadding2DSpec{
              .name = "pad", .top = 1, .bottom = 0, .left = 2, .right = 1},
          Conv2DSpec{.name = "b",
                     .filters = 3,
                     .kernel_size = {2, 4},
                     .activation = Activation::kTanh},
          AddSpec{"add"},
          ConcatenateSpec{"concatenate"},
          RescalingSpec{.name = "half", .scale = 0.5f},
          FlattenSpec{"flatten"},
          Classifier(),
      }};
  // add = a + b(pad(a)) + a; concatenate = [rescaled input, add, a]
  model.inputs = {{kModelInput}, {0}, {1}, {2}, {1, 3, 1},
                  {0, 4, 1},     {5}, {6}, {7}};
  CheckAgainstTwin({.model = model});
}

TEST_CASE("the other losses match the naive twin", "[layers][loss]") {
  const auto [loss, end] =
      GENERATE(std::pair{Loss::kCategoricalCrossentropy, Activation::kSoftmax},
               std::pair{Loss::kCategoricalCrossentropy, Activation::kLinear},
               std::pair{Loss::kMeanSquaredError, Activation::kLinear},
               std::pair{Loss::kMeanSquaredError, Activation::kSigmoid});
  const ModelSpec model = DenseModel(
      5, {{.units = 4, .activation = Activation::kRelu6, .kernel_l2 = 0.02f},
          {.units = 11, .activation = end}});
  CheckAgainstTwin({.model = model, .loss = loss});
}

TEST_CASE("dropout drops its share, scales the rest, and draws each step anew",
          "[layers][dropout]") {
  TestEngine engine;
  const int64_t size = 4000;
  const ModelSpec model{
      .name = "test",
      .input_shape = {{size}},
      .layers = {DropoutSpec{.name = "dropout", .rate = 0.3f}}};
  Network network =
      MakeNetwork(model, {.max_batch = 2, .loss = Loss::kMeanSquaredError},
                  engine.context());
  const auto run = [&](const ForwardContext& context) {
    std::fill_n(network.input(), 2 * size, 1.0f);
    network.Forward(context);
    return std::vector<float>(network.outputs(), network.outputs() + 2 * size);
  };
  CHECK(std::ranges::count(run({.training = false}), 1.0f) == 2 * size);
  const auto first = run({.training = true, .step = 1});
  const auto dropped = std::ranges::count(first, 0.0f);
  CHECK(std::ranges::count(first, 1.0f / 0.7f) == 2 * size - dropped);
  // Five standard deviations of a binomial count.
  CHECK(std::abs(static_cast<double>(dropped) - 0.3 * 2 * size) <
        5 * std::sqrt(2 * size * 0.3 * 0.7));
  CHECK(run({.training = true, .step = 1}) == first);
  CHECK(run({.training = true, .step = 2}) != first);
  Network other = MakeNetwork(
      model, {.max_batch = 2, .loss = Loss::kMeanSquaredError, .seed = 2},
      engine.context());
  std::fill_n(other.input(), 2 * size, 1.0f);
  other.Forward({.training = true, .step = 1});
  CHECK(!std::equal(first.begin(), first.end(), other.outputs()));
}

TEST_CASE("dropout's gradient passes where its values passed",
          "[layers][dropout]") {
  TestEngine engine;
  const ModelSpec model{
      .name = "test",
      .input_shape = {{6}},
      .layers = {DenseSpec{.name = "front", .units = 9},
                 DropoutSpec{.name = "dropout", .rate = 0.5f}, Classifier()}};
  Network network = MakeNetwork(model, {.max_batch = 4}, engine.context());
  Rng rng(2, 0);
  const auto weights = RandomWeights(network, rng);
  network.SetWeights(weights);
  const auto x = RandomFloats(4 * 6, -1, 1, rng);
  const std::vector<uint8_t> labels = {0, 1, 2, 1};
  std::ranges::copy(x, network.input());
  std::ranges::copy(labels, network.labels());
  network.Forward({.training = true, .step = 5});
  const double loss = network.ScoreOutputs().loss_sum / 4;
  network.Backward();
  // A mask that explains the loss explains the gradient: find it by the key of
  // layer 1 and step 5, as the network draws it.
  const uint64_t key = ((uint64_t{1} << 32) ^ (uint64_t{2} * 0x9e3779b1)) +
                       uint64_t{5} * 0x9e3779b97f4a7c15;
  reference::LossQuestion question = {
      .model = model, .weights = Doubles(weights), .x = x, .labels = labels};
  question.keep = [&](size_t, size_t element) {
    return Keeps(key, static_cast<int64_t>(element), uint32_t{1} << 31);
  };
  CHECK(std::abs(reference::ComputeLoss(question).loss - loss) < 1e-5);
  const auto gradient = reference::LossGradient(question);
  for (size_t p = 0; p < gradient.size(); ++p) {
    CHECK(AllNear(network.ParamPart(network.grads(), p), gradient[p], 2e-5,
                  2e-4));
  }
}

TEST_CASE("any number of threads gives the bits of one, for every layer",
          "[layers][threads]") {
  ModelSpec model = Around(
      {{12, 11, 3}},
      {Conv2DSpec{.name = "conv",
                  .filters = 20,
                  .kernel_size = {3, 3},
                  .padding = Padding::kSame,
                  .activation = Activation::kRelu},
       Pooling2DSpec{.name = "pool"}, BatchNormalizationSpec{.name = "bn"},
       DropoutSpec{.name = "dropout", .rate = 0.2f},
       DepthwiseConv2DSpec{.name = "depthwise",
                           .kernel_size = {3, 3},
                           .padding = Padding::kSame},
       Conv2DSpec{.name = "point", .filters = 24},
       Pooling2DSpec{.name = "average",
                     .kind = Pooling2DSpec::Kind::kAverage}});
  std::vector<std::vector<float>> grads;
  for (const int threads : {1, 2, 3}) {
    TestEngine engine(threads);
    // All threads are at work until ChooseLayerThreads() knows better.
    Network network = MakeNetwork(model, {.max_batch = 37}, engine.context());
    Rng rng(5, 0);
    network.SetWeights(RandomWeights(network, rng));
    const auto x = RandomFloats(37 * 12 * 11 * 3, -1, 1, rng);
    std::ranges::copy(x, network.input());
    for (size_t i = 0; i < 37; ++i) {
      network.labels()[i] = static_cast<uint8_t>(i % kClasses);
    }
    network.Forward({.training = true, .step = 3});
    grads.emplace_back(network.outputs(), network.outputs() + 37 * kClasses);
    network.ScoreOutputs();
    network.Backward();
    grads.back().insert(grads.back().end(), network.grads().begin(),
                        network.grads().end());
  }
  CHECK((grads[0] == grads[1]));
  CHECK((grads[0] == grads[2]));
}

TEST_CASE("lean memory gives the same bits in less of it", "[layers][memory]") {
  const ModelSpec model =
      Around({{9, 9, 8}}, {Conv2DSpec{.name = "a",
                                      .filters = 40,
                                      .kernel_size = {3, 3},
                                      .activation = Activation::kRelu},
                           Conv2DSpec{.name = "b",
                                      .filters = 48,
                                      .kernel_size = {3, 3},
                                      .activation = Activation::kRelu}});
  std::vector<std::vector<float>> grads;
  std::vector<int64_t> arena_bytes;
  for (const bool lean : {false, true}) {
    TestEngine engine;
    // Only XNNPACK packs weights.
    PreferredKernels chooser(Library::kXnnpack);
    ComputeContext context = engine.context();
    context.chooser = &chooser;
    Network network =
        MakeNetwork(model, {.max_batch = 5, .lean = lean}, context);
    Rng rng(5, 0);
    network.SetWeights(RandomWeights(network, rng));
    const auto x = RandomFloats(5 * 9 * 9 * 8, -1, 1, rng);
    std::fill_n(network.labels(), 5, uint8_t{1});
    // Twice: what shared memory held is gone by then.
    for (int step = 0; step < 2; ++step) {
      std::ranges::copy(x, network.input());
      network.Forward({.training = true});
      network.ScoreOutputs();
      network.Backward();
    }
    grads.emplace_back(network.grads().begin(), network.grads().end());
    arena_bytes.push_back(network.plan().memory.arena_bytes());
  }
  CHECK((grads[0] == grads[1]));
  CHECK(arena_bytes[1] < arena_bytes[0] * 9 / 10);
}

}  // namespace
}  // namespace batchsweep
