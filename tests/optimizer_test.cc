#include "train/optimizer.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "tests/fixtures.h"
#include "tests/reference.h"
#include "train/step.h"

namespace batchsweep {
namespace {

using Kind = OptimizerConfig::Kind;

// The formulas of keras.io/api/optimizers, one weight at a time.
struct ScalarTwin {
  double weight, m = 0.0, v = 0.0;

  void Step(const OptimizerConfig& config, double gradient, int t) {
    const double lr = config.learning_rate;
    if (config.kind == Kind::kSgd) {
      m = config.momentum * m - lr * gradient;
      weight += config.nesterov ? config.momentum * m - lr * gradient : m;
      return;
    }
    weight -= weight * config.weight_decay * lr;
    m += (gradient - m) * (1.0 - config.beta1);
    v += (gradient * gradient - v) * (1.0 - config.beta2);
    const double alpha = lr * std::sqrt(1.0 - std::pow(config.beta2, t)) /
                         (1.0 - std::pow(config.beta1, t));
    weight -= alpha * m / (std::sqrt(v) + config.epsilon);
  }
};

TEST_CASE("Keras' defaults are ours", "[optimizer]") {
  CHECK(DefaultOptimizer("adam")->learning_rate == 1e-3f);
  CHECK(DefaultOptimizer("adam")->epsilon == 1e-7f);
  CHECK(DefaultOptimizer("adam")->weight_decay == 0.0f);
  CHECK(DefaultOptimizer("adamw")->weight_decay == 4e-3f);
  CHECK(DefaultOptimizer("sgd")->learning_rate == 1e-2f);
  CHECK(DefaultOptimizer("sgd")->momentum == 0.0f);
  CHECK(DefaultOptimizer("rmsprop").error().message.contains("rmsprop"));
}

TEST_CASE("twenty steps follow the formula, on one thread and on two",
          "[optimizer]") {
  const OptimizerConfig config = GENERATE(
      OptimizerConfig{.kind = Kind::kSgd, .learning_rate = 0.01f},
      OptimizerConfig{
          .kind = Kind::kSgd, .learning_rate = 0.01f, .momentum = 0.9f},
      OptimizerConfig{.kind = Kind::kSgd,
                      .learning_rate = 0.01f,
                      .momentum = 0.9f,
                      .nesterov = true},
      OptimizerConfig{.kind = Kind::kAdam},
      OptimizerConfig{.kind = Kind::kAdamW, .weight_decay = 0.4f});
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2}) {
    TestEngine engine(threads);
    // Large enough for several threads to take part.
    Network network =
        MakeNetwork(DenseModel(300, {{.units = 200}, {.units = 3}}),
                    {.max_batch = 1, .optimizer_slots = OptimizerSlots(config)},
                    engine.context());
    std::vector<ScalarTwin> twins;
    for (const float weight : network.params()) twins.push_back({weight});
    Rng rng(1, 0);
    for (int t = 1; t <= 20; ++t) {
      const auto grads =
          reference::RandomFloats(network.grads().size(), -1.0f, 1.0f, rng);
      std::ranges::copy(grads, network.grads().begin());
      OptimizerStep(config, t, *engine.context().kernels,
                    *engine.context().pool, TrainedTensors(network));
      for (size_t i = 0; i < twins.size(); ++i) {
        twins[i].Step(config, grads[i], t);
      }
    }
    std::vector<double> want;
    for (const ScalarTwin& twin : twins) want.push_back(twin.weight);
    CHECK(reference::AllNear(network.params(), want, 2e-6, 2e-6));
    results.emplace_back(network.params().begin(), network.params().end());
  }
  CHECK(results[0] == results[1]);
}

}  // namespace
}  // namespace batchsweep
