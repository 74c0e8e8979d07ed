#include "graph/network.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "graph/layer_threads.h"
#include "graph/layer_times.h"
#include "graph/threads.h"
#include "platform/clock.h"
#include "tests/fixtures.h"
#include "tests/reference.h"
#include "tests/reference_model.h"

namespace batchsweep {
namespace {

using reference::AllNear;
using reference::RandomFloats;

ModelSpec SomeModel() {
  const auto activation = GENERATE(Activation::kLinear, Activation::kRelu,
                                   Activation::kTanh, Activation::kSigmoid);
  const bool use_bias = GENERATE(true, false);
  ModelSpec model = DenseModel(
      7, {{.units = 17, .activation = activation, .use_bias = use_bias},
          {.units = 5, .activation = activation, .use_bias = use_bias},
          {.units = 3, .activation = Activation::kSoftmax}});
  if (GENERATE(false, true)) {
    // The same as a layer of its own, as Keras also writes it.
    model.layers.insert(model.layers.begin() + 1,
                        ActivationSpec{"activation", Activation::kTanh});
  }
  return model;
}

void Fill(Network& network, const std::vector<float>& x,
          const std::vector<uint8_t>& labels) {
  std::ranges::copy(x, network.input());
  std::ranges::copy(labels, network.labels());
}

std::vector<uint8_t> RandomLabels(size_t count, uint64_t classes, Rng& rng) {
  std::vector<uint8_t> labels(count);
  for (uint8_t& label : labels)
    label = static_cast<uint8_t>(rng.Below(classes));
  return labels;
}

// Gives the biases values too: drawn weights leave them 0.
std::vector<NamedTensor> RandomWeights(Network& network, Rng& rng) {
  std::vector<NamedTensor> weights = WeightsOf(network);
  for (NamedTensor& tensor : weights) {
    tensor.values = RandomFloats(tensor.values.size(), -0.7f, 0.7f, rng);
  }
  return weights;
}

TEST_CASE("loss and gradients match finite differences of a naive twin",
          "[network]") {
  TestEngine engine;
  const ModelSpec model = SomeModel();
  Network network = MakeNetwork(model, {.max_batch = 6}, engine.context());
  Rng rng(7, 0);
  const auto weights = RandomWeights(network, rng);
  network.SetWeights(weights);
  std::vector<std::vector<double>> exact;
  for (const NamedTensor& tensor : weights) {
    exact.emplace_back(tensor.values.begin(), tensor.values.end());
  }
  // A smaller batch after the largest: the last of an epoch.
  for (const int64_t batch : {6, 1, 5}) {
    const auto x = RandomFloats(static_cast<size_t>(batch) * 7, -1, 1, rng);
    const auto labels = RandomLabels(static_cast<size_t>(batch), 3, rng);
    const reference::LossQuestion question = {
        .model = model, .weights = exact, .x = x, .labels = labels};
    REQUIRE(network.SetBatch(batch));
    Fill(network, x, labels);
    network.Forward({.training = true});
    const BatchScore score = network.ScoreOutputs();
    CHECK(std::abs(score.loss_sum / static_cast<double>(batch) -
                   reference::ComputeLoss(question).loss) < 1e-5);
    network.Backward();
    const auto want = reference::LossGradient(question);
    for (size_t p = 0; p < want.size(); ++p) {
      INFO("batch " << batch << ", " << network.param_specs()[p].name);
      CHECK(
          AllNear(network.ParamPart(network.grads(), p), want[p], 2e-6, 1e-4));
    }
  }
}

TEST_CASE("the gradient of 128 examples is the mean of those of 16 times 8",
          "[network]") {
  TestEngine engine;
  const ModelSpec model =
      DenseModel(784, {{.units = 64, .activation = Activation::kRelu},
                       {.units = 10, .activation = Activation::kSoftmax}});
  Network network = MakeNetwork(model, {.max_batch = 128}, engine.context());
  Rng rng(8, 0);
  const auto x = RandomFloats(128 * 784, 0, 1, rng);
  const auto labels = RandomLabels(128, 10, rng);
  Fill(network, x, labels);
  network.Forward({.training = true});
  const double loss = network.ScoreOutputs().loss_sum;
  network.Backward();
  const std::vector<float> whole(network.grads().begin(),
                                 network.grads().end());

  std::vector<double> mean(whole.size(), 0.0);
  double loss_of_parts = 0.0;
  REQUIRE(network.SetBatch(8));
  for (size_t part = 0; part < 16; ++part) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(part * 8 * 784),
                8 * 784, network.input());
    std::copy_n(labels.begin() + static_cast<std::ptrdiff_t>(part * 8), 8,
                network.labels());
    network.Forward({.training = true});
    loss_of_parts += network.ScoreOutputs().loss_sum;
    network.Backward();
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += network.grads()[i] / 16;
  }
  CHECK(std::abs(loss - loss_of_parts) < 1e-4);
  CHECK(AllNear(whole, mean, 1e-7, 1e-5));
  CHECK(std::ranges::any_of(whole, [](float g) { return std::abs(g) > 1e-3; }));
}

TEST_CASE("an output lives until the last backward step that reads it",
          "[network]") {
  TestEngine engine;
  const auto activation = GENERATE(Activation::kLinear, Activation::kRelu);
  const NetworkPlan plan =
      PlanNetwork(
          DenseModel(9, {{.units = 4, .activation = activation},
                         {.units = 3, .activation = Activation::kSoftmax}}),
          {.max_batch = 2}, engine.context())
          .value();
  const auto last_use = [&](const std::string& name) {
    const auto& tensors = plan.memory.tensors();
    return std::ranges::find(tensors, name, &TensorPlan::name)->last_use;
  };
  // Layer 0's backward step is the last to read its output's gradient. With
  // relu it reads the output too; else layer 1's was the last, one earlier.
  const int own = last_use("dense_0 output gradient");
  CHECK(last_use("dense_0 output") ==
        (activation == Activation::kRelu ? own : own - 1));
  CHECK(last_use("input") == own);
}

TEST_CASE("two threads give the bits of one", "[network]") {
  const ModelSpec model =
      DenseModel(300, {{.units = 130, .activation = Activation::kTanh},
                       {.units = 10, .activation = Activation::kSoftmax}});
  std::vector<std::vector<float>> grads;
  for (const int threads : {1, 2}) {
    TestEngine engine(threads);
    Network network = MakeNetwork(model, {.max_batch = 32}, engine.context());
    Rng rng(9, 0);
    Fill(network, RandomFloats(32 * 300, 0, 1, rng), RandomLabels(32, 10, rng));
    network.Forward({.training = true});
    network.ScoreOutputs();
    network.Backward();
    grads.emplace_back(network.grads().begin(), network.grads().end());
  }
  CHECK(grads[0] == grads[1]);
}

// For networks whose gradients are all stored.
struct NoUpdate final : WeightUpdate {
  void Apply(std::span<float>, std::span<const float>) const override {}
};

TEST_CASE("choosing threads leaves a network of zeros that gives the same bits",
          "[network][threads]") {
  const ModelSpec model =
      DenseModel(40, {{.units = 30, .activation = Activation::kRelu},
                      {.units = 10, .activation = Activation::kSoftmax}});
  TestEngine engine(2);
  Network network = MakeNetwork(model, {.max_batch = 8}, engine.context());
  Rng rng(12, 0);
  const auto x = RandomFloats(8 * 40, 0, 1, rng);
  const auto labels = RandomLabels(8, 10, rng);
  const auto weights = WeightsOf(network);
  const auto step = [&] {
    network.SetWeights(weights);
    Fill(network, x, labels);
    network.Forward({.training = true});
    network.ScoreOutputs();
    network.Backward();
    return std::vector<float>(network.grads().begin(), network.grads().end());
  };
  const std::vector<float> on_all = step();
  REQUIRE(ChooseLayerThreads(network, NoUpdate()));
  CHECK(network.threads().size() == network.plan().layers.size());
  CHECK(std::ranges::all_of(network.params(),
                            [](float value) { return value == 0.0f; }));
  CHECK(step() == on_all);
  network.UseThreads(std::vector<LayerThreads>(network.threads().size(),
                                               {Threads::kOne, Threads::kOne}));
  CHECK(step() == on_all);
}

TEST_CASE("all threads are used only where they are a tenth faster",
          "[threads]") {
  const auto faster = [](int64_t one_us, int64_t all_us) {
    Threads used = Threads::kOne;
    return FasterThreads([&](Threads threads) { used = threads; },
                         [&] {
                           const int64_t us =
                               used == Threads::kOne ? one_us : all_us;
                           const int64_t end_ns = MonotonicNs() + us * 1000;
                           while (MonotonicNs() < end_ns) {
                           }
                         });
  };
  CHECK(faster(200, 100) == Threads::kAll);
  CHECK(faster(100, 200) == Threads::kOne);
  CHECK(faster(200, 196) == Threads::kOne);
}

TEST_CASE("each layer's time is told by its name", "[network]") {
  TestEngine engine;
  const ModelSpec model = DenseModel(
      3, {{.units = 5}, {.units = 2, .activation = Activation::kSoftmax}});
  Network network = MakeNetwork(model, {.max_batch = 4}, engine.context());
  const auto weights = WeightsOf(network);
  const std::vector<LayerTime> times = TimeLayers(network, 3);
  REQUIRE(times.size() == 2);
  CHECK(times[0].name == "dense_0");
  for (const LayerTime& time : times) {
    CHECK(time.forward_ns < 1'000'000'000);
    CHECK(time.backward_ns < 1'000'000'000);
  }
  CHECK(WeightsOf(network)[0].values == weights[0].values);
}

TEST_CASE("weights come out as they went in", "[network]") {
  TestEngine engine;
  const ModelSpec model = DenseModel(
      3, {{.units = 5}, {.units = 2, .activation = Activation::kSoftmax}});
  Network network = MakeNetwork(model, {.max_batch = 1}, engine.context());
  Rng rng(10, 0);
  const auto weights = RandomWeights(network, rng);
  network.SetWeights(weights);
  const auto back = WeightsOf(network);
  REQUIRE(back.size() == 4);
  for (size_t i = 0; i < back.size(); ++i) {
    CHECK(back[i].name == weights[i].name);
    CHECK(back[i].shape == weights[i].shape);
    CHECK(back[i].values == weights[i].values);
  }
}

TEST_CASE("the plan counts every class of memory", "[network]") {
  TestEngine engine;
  const ModelSpec model =
      DenseModel(784, {{.units = 64, .activation = Activation::kRelu},
                       {.units = 10, .activation = Activation::kSoftmax}});
  const NetworkPlan plan =
      PlanNetwork(model, {.max_batch = 8, .optimizer_slots = 2},
                  engine.context())
          .value();
  const auto bytes = plan.memory.BytesByClass();
  const auto of = [&](MemoryClass c) { return bytes[static_cast<size_t>(c)]; };
  // 50,890 weights; each parameter's place is rounded up to 64 bytes.
  const int64_t flat = 4 * (784 * 64 + 64 + 640 + 16);
  CHECK(of(MemoryClass::kWeights) == flat);
  CHECK(of(MemoryClass::kGradients) == flat);
  CHECK(of(MemoryClass::kOptimizer) == 2 * flat);
  CHECK(of(MemoryClass::kActivations) == 4 * 8 * (784 + 64 + 10));
  CHECK(of(MemoryClass::kActivationGradients) == 4 * 8 * (64 + 10));
  CHECK(of(MemoryClass::kPackedWeights) == 0);  // dense layers pack nothing
  int64_t sum = 0;
  for (const int64_t of_class : bytes) sum += of_class;
  CHECK(plan.memory.arena_bytes() < sum + 64 * 20);
}

}  // namespace
}  // namespace batchsweep
