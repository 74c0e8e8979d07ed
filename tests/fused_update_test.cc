// Weights that are updated while their gradient is computed have the bits of
// those that are updated afterwards, and their gradient takes no memory.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <vector>

#include "data/synthetic.h"
#include "graph/kernel_chooser.h"
#include "kernels/denormals.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "tests/fixtures.h"
#include "train/step.h"

namespace batchsweep {
namespace {

constexpr int64_t kBatch = 20;
constexpr int64_t kIn = 301;
constexpr int64_t kClasses = 10;

// Rows of dW of one tile and of many, so long that there are no tiles, and
// a kernel whose penalty needs the whole gradient.
ModelSpec ManyDenseLayers() {
  return DenseModel(
      kIn, {{.units = 130, .activation = Activation::kRelu},
            {.units = 1025, .activation = Activation::kTanh},
            {.units = 33, .use_bias = false},
            {.units = 1024, .activation = Activation::kRelu6},
            {.units = 7, .activation = Activation::kRelu, .kernel_l2 = 1e-3f},
            {.units = kClasses, .activation = Activation::kSoftmax}});
}

NetworkOptions OptionsOf(const OptimizerConfig& optimizer, bool fused) {
  return {.max_batch = kBatch,
          .optimizer_slots = OptimizerSlots(optimizer),
          .fuses_updates = fused};
}

struct Trained {
  std::vector<double> losses;
  std::vector<NamedTensor> weights;
  std::vector<std::vector<float>> slots;  // of each parameter
};

// Some steps, of which one has fewer examples than the others.
Trained Train(const ModelSpec& model, const OptimizerConfig& optimizer,
              bool fused, int threads) {
  TestEngine engine(threads);
  Network network =
      MakeNetwork(model, OptionsOf(optimizer, fused), engine.context());
  const DataSource source = MakeSynthetic({.example_shape = model.input_shape,
                                           .class_count = kClasses,
                                           .train_size = kBatch,
                                           .test_size = 1});
  std::vector<uint32_t> rows(kBatch);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<uint32_t>(i);
  const StepContext context = {
      .dataset = source.train,
      .optimizer = optimizer,
      .kernels = *engine.context().kernels,
      .pools = {engine.context().pool, engine.context().pool},
      .network = network};
  const ScopedFlushDenormals flush;
  Trained trained;
  for (const int64_t examples : {kBatch, kBatch, int64_t{7}, kBatch}) {
    REQUIRE(network.SetBatch(examples).has_value());
    const auto step = std::ssize(trained.losses) + 1;
    const auto used = std::span(rows).first(static_cast<size_t>(examples));
    trained.losses.push_back(TrainStep(context, used, step).loss_sum);
  }
  trained.weights = WeightsOf(network);
  for (int slot = 0; slot < network.optimizer_slots(); ++slot) {
    for (size_t i = 0; i < trained.weights.size(); ++i) {
      const auto part = network.ParamPart(network.optimizer_slot(slot), i);
      trained.slots.emplace_back(part.begin(), part.end());
    }
  }
  return trained;
}

TEST_CASE("a fused update gives the bits of a separate one",
          "[fused_update][optimizer][training]") {
  const auto& [name, options] = GENERATE(table<std::string, OptimizerOptions>(
      {{"adam", {}},
       {"adamw", {}},
       {"sgd", {}},
       {"sgd", {.momentum = 0.9f}},
       {"sgd", {.momentum = 0.9f, .nesterov = true}},
       {"rmsprop", {.momentum = 0.5f}}}));
  INFO(name << ", momentum " << options.momentum.value_or(0));
  const OptimizerConfig optimizer = MakeOptimizer(name, options).value();
  const ModelSpec model = ManyDenseLayers();
  const Trained separate = Train(model, optimizer, /*fused=*/false, 1);
  CHECK(separate.losses.back() != separate.losses.front());
  for (const int threads : {1, 2}) {
    const Trained fused = Train(model, optimizer, /*fused=*/true, threads);
    CHECK(fused.losses == separate.losses);
    CHECK(fused.slots == separate.slots);
    REQUIRE(fused.weights.size() == separate.weights.size());
    for (size_t i = 0; i < fused.weights.size(); ++i) {
      INFO(fused.weights[i].name);
      CHECK(fused.weights[i].values == separate.weights[i].values);
    }
  }
}

TEST_CASE("gradients are stored of weights whose update is not fused",
          "[fused_update][plan]") {
  TestEngine engine;
  const OptimizerConfig adam = MakeOptimizer("adam").value();
  const ModelSpec model = ManyDenseLayers();
  const auto stored = [&](Library library, bool fused) {
    PreferredKernels chooser(library);
    ComputeContext context = engine.context();
    context.chooser = &chooser;
    const NetworkPlan plan =
        PlanNetwork(model, OptionsOf(adam, fused), context).value();
    std::vector<std::string> names;
    for (size_t i = 0; i < plan.params.specs.size(); ++i) {
      if (plan.params.offsets[i] < plan.params.grads_size) {
        names.push_back(plan.params.specs[i].name);
      }
    }
    return names;
  };
  CHECK(stored(Library::kOwn, /*fused=*/true) ==
        std::vector<std::string>{
            "dense_0/bias", "dense_1/kernel", "dense_1/bias", "dense_3/bias",
            "dense_4/kernel", "dense_4/bias", "dense_5/bias"});
  // XNNPACK's gradients are written as wholes.
  CHECK(stored(Library::kXnnpack, /*fused=*/true).size() == 11);
  CHECK(stored(Library::kOwn, /*fused=*/false).size() == 11);
}

TEST_CASE("fused updates save the memory of the gradients",
          "[fused_update][plan]") {
  TestEngine engine;
  const ModelSpec model =
      ParseKerasJson(FindZooModel("cnn")->json, "cnn").value();
  const auto arena_bytes = [&](bool fused) {
    return PlanNetwork(
               model,
               {.max_batch = 8, .optimizer_slots = 2, .fuses_updates = fused},
               engine.context())
        .value()
        .memory.arena_bytes();
  };
  // The larger kernel alone, 5408 x 128.
  constexpr int64_t kKernelBytes = 5408 * 128 * 4;
  CHECK(arena_bytes(true) <= arena_bytes(false) - kKernelBytes);
}

}  // namespace
}  // namespace batchsweep
