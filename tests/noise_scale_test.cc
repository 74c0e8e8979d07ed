// The gradient noise scale against gradients of single examples, made by brute
// force, and against a data set whose noise scale is worked out exactly.
#include "train/noise_scale.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <span>
#include <string>

#include "data/synthetic.h"
#include "graph/weight_update.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "tests/counters.h"
#include "tests/fixtures.h"
#include "tests/reference.h"
#include "tests/reference_model.h"

namespace batchsweep {
namespace {

using reference::RandomFloats;

constexpr int64_t kClasses = 3;

ModelSpec ZooModelSpec(const char* name) {
  return ParseKerasJson(FindZooModel(name)->json, name).value();
}

bool IsNear(double got, double want, double relative) {
  return std::abs(got - want) <= relative * std::abs(want);
}

// Pooled and not, with and without a bias, a window that leaves the image, a
// penalty, which is no part of the noise, and each activation that is a mask.
ModelSpec ConvolutionalModel() {
  return {.name = "small",
          .input_shape = {{7, 6, 2}},
          .layers = {Conv2DSpec{.name = "pooled",
                                .filters = 5,
                                .kernel_size = {3, 3},
                                .padding = Padding::kSame,
                                .activation = Activation::kRelu,
                                .kernel_l2 = 0.1f},
                     Pooling2DSpec{.name = "pool", .pool_size = {2, 2}},
                     DepthwiseConv2DSpec{.name = "depthwise",
                                         .kernel_size = {2, 2},
                                         .activation = Activation::kRelu},
                     Conv2DSpec{.name = "point",
                                .filters = 4,
                                .kernel_size = {1, 1},
                                .activation = Activation::kTanh,
                                .use_bias = false},
                     FlattenSpec{.name = "flatten"},
                     DenseSpec{.name = "hidden",
                               .units = 9,
                               .activation = Activation::kRelu,
                               .kernel_l2 = 0.1f},
                     DenseSpec{.name = "out",
                               .units = kClasses,
                               .activation = Activation::kSoftmax}}};
}

bool InScope(const std::string& param, NoiseScope scope) {
  return scope == NoiseScope::kAll || param.starts_with("hidden/") ||
         param.starts_with("out/");
}

// Leaves weights as they are.
class NoUpdate : public WeightUpdate {
 public:
  void Apply(std::span<float>, std::span<const float>) const override {}
};

// The squared norm of the gradient of one batch by the naive twin, in double.
double TwinSquare(const reference::LossQuestion& question,
                  const std::vector<ParamSpec>& params, NoiseScope scope) {
  const auto gradient = reference::LossGradient(question);
  double square = 0.0;
  for (size_t p = 0; p < params.size(); ++p) {
    if (!InScope(params[p].name, scope)) continue;
    for (size_t i = 0; i < gradient[p].size(); ++i) {
      const double penalty =
          2.0 * static_cast<double>(params[p].l2) * question.weights[p][i];
      square += std::pow(gradient[p][i] - penalty, 2);
    }
  }
  return square;
}

TEST_CASE("norms are those of single examples' gradients by a naive twin",
          "[noise]") {
  const int threads = GENERATE(1, 2);
  const auto scope = GENERATE(NoiseScope::kDense, NoiseScope::kAll);
  TestEngine engine(threads);
  const ModelSpec model = ConvolutionalModel();
  Network network = MakeNetwork(model, {.max_batch = 6}, engine.context(), 5);
  Rng rng(3, 0);
  std::vector<std::vector<double>> weights;
  for (const NamedTensor& tensor : WeightsOf(network)) {
    weights.emplace_back(tensor.values.begin(), tensor.values.end());
  }
  constexpr size_t kSize = 7 * 6 * 2;
  for (const int64_t batch : {6, 4}) {
    const auto x = RandomFloats(static_cast<size_t>(batch) * kSize, -1, 1, rng);
    std::vector<uint8_t> labels(static_cast<size_t>(batch));
    for (auto& label : labels) label = static_cast<uint8_t>(rng.Below(3));
    REQUIRE(network.SetBatch(batch));
    std::ranges::copy(x, network.input());
    std::ranges::copy(labels, network.labels());
    network.Forward({.training = true});
    network.ScoreOutputs();
    GradientNorms norms = {.scope = scope};
    network.BackwardAndUpdate(NoUpdate(), &norms);

    reference::LossQuestion question = {
        .model = model, .weights = weights, .x = x, .labels = labels};
    const auto& params = network.param_specs();
    INFO("batch " << batch << ", " << NameOf(scope));
    CHECK(IsNear(norms.mean_square, TwinSquare(question, params, scope), 1e-3));
    double own_squares = 0.0;
    for (size_t i = 0; i < labels.size(); ++i) {
      question.x = std::span(x).subspan(i * kSize, kSize);
      question.labels = std::span(labels).subspan(i, 1);
      own_squares += TwinSquare(question, params, scope);
    }
    CHECK(IsNear(norms.share_squares * static_cast<double>(batch * batch),
                 own_squares, 1e-3));
    CHECK(norms.time_ns > 0);
  }
}

TEST_CASE("norms of the zoo's networks are those of batches of one",
          "[noise]") {
  const ModelSpec model = ZooModelSpec(GENERATE("mlp", "cnn"));
  constexpr int64_t kBatch = 8;
  TestEngine engine;
  Network network = MakeNetwork(model, {.max_batch = kBatch}, engine.context());
  Rng rng(4, 0);
  const auto size = static_cast<size_t>(network.input_size());
  const auto x = RandomFloats(static_cast<size_t>(kBatch) * size, 0, 1, rng);
  const auto measure = [&](size_t first, int64_t count) {
    REQUIRE(network.SetBatch(count));
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(first * size),
                static_cast<size_t>(count) * size, network.input());
    for (int64_t i = 0; i < count; ++i) {
      network.labels()[i] =
          static_cast<uint8_t>((static_cast<int64_t>(first) + i) % 10);
    }
    network.Forward({.training = true});
    network.ScoreOutputs();
    GradientNorms norms = {.scope = NoiseScope::kAll};
    network.BackwardAndUpdate(NoUpdate(), &norms);
    return norms;
  };
  const GradientNorms whole = measure(0, kBatch);
  double squares = 0.0, mean = 0.0;
  for (const float g : network.grads()) mean += std::pow(double{g}, 2);
  for (size_t i = 0; i < kBatch; ++i) {
    measure(i, 1);
    for (const float g : network.grads()) squares += std::pow(double{g}, 2);
  }
  CHECK(IsNear(whole.mean_square, mean, 1e-4));
  CHECK(IsNear(whole.share_squares * kBatch * kBatch, squares, 1e-4));
}

constexpr int64_t kExamples = 600;

struct SmallTask {
  DataSource source = MakeSynthetic({.example_shape = {{12}},
                                     .class_count = kClasses,
                                     .train_size = kExamples,
                                     .test_size = 20,
                                     .seed = 2});
  TrainingData data = Parts(source, kExamples, 20);
  ModelSpec model =
      DenseModel(12, {{.units = 8, .activation = Activation::kRelu},
                      {.units = kClasses, .activation = Activation::kSoftmax}});
};

// Over all examples, at the network's weights: |G|^2 and tr S.
NoiseEstimate ExactNoise(const SmallTask& task, TestEngine& engine) {
  Network network = MakeNetwork(
      task.model, {.max_batch = 1, .optimizer_slots = 0}, engine.context());
  std::vector<double> mean(network.grads().size(), 0.0);
  double squares = 0.0;
  ThreadPool pool(1);
  for (uint32_t row = 0; row < kExamples; ++row) {
    LoadBatch(task.source.train, std::span(&row, 1), *engine.context().kernels,
              pool, network);
    network.Forward({.training = true});
    network.ScoreOutputs();
    network.Backward();
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] += double{network.grads()[i]} / kExamples;
      squares += std::pow(double{network.grads()[i]}, 2) / kExamples;
    }
  }
  NoiseEstimate exact;
  for (const double g : mean) exact.gradient_square += g * g;
  exact.trace = squares - exact.gradient_square;
  return exact;
}

TEST_CASE("a noise scale that is known is found within a tenth", "[noise]") {
  const int64_t batch_size = GENERATE(8, 32);
  TestEngine engine;
  const SmallTask task;
  const NoiseEstimate exact = ExactNoise(task, engine);
  Network network =
      MakeNetwork(task.model, {.max_batch = batch_size}, engine.context());
  // So small a rate leaves the weights where their noise was worked out.
  Trainer trainer(
      task.data,
      {.batch_size = batch_size,
       .budget = {.epochs = 20},
       .noise_scope = NoiseScope::kDense,
       .optimizer = MakeOptimizer("sgd", {.learning_rate = 1e-12f}).value()},
      engine.context(), nullptr, network);
  CellTotals totals;
  NoiseEstimate found;
  for (int epoch = 0; epoch < 20; ++epoch) {
    REQUIRE(trainer.TrainEpoch({}).value() == Trainer::Outcome::kEpochDone);
    const EpochRecord record = FinishEpoch(trainer, totals);
    found.trace += record.noise_trace.value() / 20;
    found.gradient_square += record.noise_gradient_square.value() / 20;
    CHECK(record.noise_time_ns.value() > 0);
  }
  INFO(found.trace << " for " << exact.trace << ", " << found.gradient_square
                   << " for " << exact.gradient_square);
  CHECK(IsNear(found.trace, exact.trace, 0.1));
  CHECK(IsNear(found.gradient_square, exact.gradient_square, 0.1));
  CHECK(IsNear(NoiseScale(found).value(), NoiseScale(exact).value(), 0.1));
}

struct Trained {
  std::vector<std::vector<float>> weights;
  std::vector<NoiseEstimate> noise;
};

Trained TrainWith(NoiseScope scope, bool fused, int threads) {
  const SmallTask task;
  TestEngine engine(threads);
  Network network = MakeNetwork(
      task.model,
      {.max_batch = 32, .optimizer_slots = 2, .fuses_updates = fused},
      engine.context());
  Trainer trainer(
      task.data,
      {.batch_size = 32, .budget = {.epochs = 1}, .noise_scope = scope},
      engine.context(), nullptr, network);
  trainer.TrainEpoch({}).value();
  Trained trained;
  for (const NamedTensor& tensor : WeightsOf(network)) {
    trained.weights.push_back(tensor.values);
  }
  for (const StepMeasurement& step : trainer.measurements().steps) {
    CHECK(step.noise.has_value() == (scope != NoiseScope::kNone));
    if (step.noise) trained.noise.push_back(*step.noise);
  }
  return trained;
}

TEST_CASE("measuring noise leaves training its bits, on any threads",
          "[noise][threads]") {
  const Trained without = TrainWith(NoiseScope::kNone, /*fused=*/true, 1);
  const Trained one = TrainWith(NoiseScope::kAll, /*fused=*/false, 1);
  const Trained two = TrainWith(NoiseScope::kAll, /*fused=*/false, 2);
  CHECK(one.weights == without.weights);
  CHECK(two.weights == without.weights);
  REQUIRE(one.noise.size() == two.noise.size());
  for (size_t i = 0; i < one.noise.size(); ++i) {
    CHECK(one.noise[i].trace == two.noise[i].trace);
    CHECK(one.noise[i].gradient_square == two.noise[i].gradient_square);
  }
}

TEST_CASE("gradients of a convolution keep their bits beside its noise",
          "[noise]") {
  TestEngine engine(2);
  std::vector<std::vector<float>> grads;
  for (const bool measured : {false, true}) {
    Network network =
        MakeNetwork(ConvolutionalModel(), {.max_batch = 6}, engine.context());
    Rng rng(3, 0);
    std::ranges::copy(RandomFloats(6 * 7 * 6 * 2, -1, 1, rng), network.input());
    std::fill_n(network.labels(), 6, uint8_t{1});
    network.Forward({.training = true});
    network.ScoreOutputs();
    GradientNorms norms = {.scope = NoiseScope::kAll};
    network.BackwardAndUpdate(NoUpdate(), measured ? &norms : nullptr);
    grads.emplace_back(network.grads().begin(), network.grads().end());
  }
  CHECK(grads[0] == grads[1]);
}

TEST_CASE("a step that measures noise takes no memory from the heap",
          "[noise]") {
  if (!HeapCallsCounted()) SKIP("a sanitizer owns the heap of this build");
  TestEngine engine(2);
  const ModelSpec model = ConvolutionalModel();
  const DataSource source = MakeSynthetic({.example_shape = model.input_shape,
                                           .class_count = kClasses,
                                           .train_size = 20,
                                           .test_size = 4});
  const TrainingData data = Parts(source, 20, 4);
  Network network = MakeNetwork(model, {.max_batch = 8, .optimizer_slots = 2},
                                engine.context());
  Trainer trainer(data,
                  {.batch_size = 8,
                   .budget = {.epochs = 1},
                   .noise_scope = NoiseScope::kAll},
                  engine.context(), nullptr, network);
  Batcher batcher(data.train, {});
  batcher.StartEpoch(1);
  const int64_t heap_calls = HeapCalls();
  bool stepped = true;
  for (auto rows = batcher.Next(8); !rows.empty() && stepped;
       rows = batcher.Next(8)) {
    stepped = trainer.Step(rows).has_value();
  }
  CHECK(HeapCalls() == heap_calls);
  CHECK(stepped);
  CHECK(trainer.measurements().steps.size() == 3);
}

TEST_CASE("an estimate takes two sizes, and a ratio a gradient above 0",
          "[noise]") {
  // Two examples with gradients 3 and 1: their mean is 2, their variance 2.
  const GradientNorms norms = {.share_squares = 2.25 + 0.25,
                               .mean_square = 4.0};
  const NoiseEstimate noise = EstimateNoise(norms, 2).value();
  CHECK(noise.trace == 2.0);
  CHECK(noise.gradient_square == 3.0);
  CHECK_FALSE(EstimateNoise(norms, 1));
  CHECK_FALSE(EstimateNoise({.mean_square = NAN}, 2));

  NoiseTotals totals;
  CHECK_FALSE(totals.Mean());
  totals.Add(noise, 5);
  totals.Add(std::nullopt, 7);
  totals.Add(NoiseEstimate{.trace = 4.0, .gradient_square = -2.0}, 1);
  CHECK(totals.time_ns == 13);
  // Means first: the mean of the ratios would be below 0.
  CHECK(totals.Mean()->trace == 3.0);
  CHECK(totals.Mean()->gradient_square == 0.5);
  CHECK(NoiseScale(*totals.Mean()) == 6.0);
  CHECK_FALSE(NoiseScale({.trace = 1.0, .gradient_square = -0.5}));
  CHECK_FALSE(NoiseScale({.trace = 1.0, .gradient_square = 0.0}));
}

TEST_CASE("a model without a gradient of each example is refused", "[noise]") {
  const auto error_of = [](const ModelSpec& model, NoiseScope scope) {
    const Status status = CheckNoiseScope(model, scope);
    return status ? std::string() : status.error().message;
  };
  CHECK(error_of(ZooModelSpec("cnn"), NoiseScope::kAll).empty());
  CHECK(error_of(ZooModelSpec("mlp"), NoiseScope::kDense).empty());
  CHECK(error_of(ZooModelSpec("resnet8"), NoiseScope::kNone).empty());
  CHECK(error_of(ZooModelSpec("resnet8"), NoiseScope::kDense)
            .contains("batch normalization"));
  const ModelSpec images = {
      .name = "images",
      .input_shape = {{4, 4, 1}},
      .layers = {Conv2DSpec{.name = "c", .filters = 2, .kernel_size = {3, 3}}}};
  CHECK(error_of(images, NoiseScope::kDense).contains("a dense layer"));
  CHECK(error_of(images, NoiseScope::kAll).empty());
}

}  // namespace
}  // namespace batchsweep
