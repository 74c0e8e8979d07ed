#include "train/optimizer.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <map>

#include "tests/fixtures.h"
#include "tests/reference.h"
#include "train/step.h"

namespace batchsweep {
namespace {

// The formulas of keras.io/api/optimizers, one weight at a time, in double.
struct ScalarTwin {
  double weight, m = 0.0, v = 0.0, mean = 0.0;

  void Adam(const OptimizerConfig& config, double gradient, int t) {
    weight -= weight * config.weight_decay * config.learning_rate;
    m += (gradient - m) * (1.0 - config.beta1);
    v += (gradient * gradient - v) * (1.0 - config.beta2);
    const double alpha = config.learning_rate *
                         std::sqrt(1.0 - std::pow(config.beta2, t)) /
                         (1.0 - std::pow(config.beta1, t));
    weight -= alpha * m / (std::sqrt(v) + config.epsilon);
  }

  void Sgd(const OptimizerConfig& config, double gradient, int) {
    const double lr = config.learning_rate;
    m = config.momentum * m - lr * gradient;
    weight += config.nesterov ? config.momentum * m - lr * gradient : m;
  }

  void RmsProp(const OptimizerConfig& config, double gradient, int) {
    const double rho = config.rho;
    v = rho * v + (1.0 - rho) * gradient * gradient;
    mean = rho * mean + (1.0 - rho) * gradient;
    const double square = config.centered ? v - mean * mean : v;
    const double change =
        config.learning_rate * gradient / std::sqrt(square + config.epsilon);
    m = config.momentum * m + change;
    weight -= m;
  }
};

// The twin of each optimizer, and the settings of it that are tried.
struct Tried {
  void (ScalarTwin::*twin)(const OptimizerConfig&, double, int);
  std::vector<OptimizerConfig> configs;
};
const std::map<std::string, Tried> kTried = {
    {"adam", {&ScalarTwin::Adam, {{.name = "adam"}}}},
    {"adamw", {&ScalarTwin::Adam, {{.name = "adamw", .weight_decay = 0.4f}}}},
    {"sgd",
     {&ScalarTwin::Sgd,
      {{.name = "sgd", .learning_rate = 0.01f},
       {.name = "sgd", .learning_rate = 0.01f, .momentum = 0.9f},
       {.name = "sgd",
        .learning_rate = 0.01f,
        .momentum = 0.9f,
        .nesterov = true}}}},
    {"rmsprop",
     {&ScalarTwin::RmsProp,
      {{.name = "rmsprop"},
       {.name = "rmsprop", .momentum = 0.9f, .rho = 0.8f},
       {.name = "rmsprop", .centered = true},
       {.name = "rmsprop", .momentum = 0.5f, .centered = true}}}},
};

TEST_CASE("Keras' defaults are ours", "[optimizer]") {
  CHECK(MakeOptimizer("adam")->learning_rate == 1e-3f);
  CHECK(MakeOptimizer("adam")->epsilon == 1e-7f);
  CHECK(MakeOptimizer("adam")->weight_decay == 0.0f);
  CHECK(MakeOptimizer("adamw")->weight_decay == 4e-3f);
  CHECK(MakeOptimizer("sgd")->learning_rate == 1e-2f);
  CHECK(MakeOptimizer("sgd")->momentum == 0.0f);
  CHECK(MakeOptimizer("rmsprop")->learning_rate == 1e-3f);
  CHECK(MakeOptimizer("rmsprop")->rho == 0.9f);
  CHECK(MakeOptimizer("rmsprop")->momentum == 0.0f);
  CHECK(MakeOptimizer("rmsprop")->epsilon == 1e-7f);
  CHECK_FALSE(MakeOptimizer("rmsprop")->centered);
  for (const std::string& name : OptimizerNames()) {
    CHECK(MakeOptimizer(name)->name == name);
  }
  CHECK(OptimizerConfig().name == "adam");
}

TEST_CASE("an optimizer that is not known is refused by name", "[optimizer]") {
  for (const char* name : {"lion", "", "Adam", "adamw "}) {
    const auto refused = MakeOptimizer(name);
    REQUIRE_FALSE(refused);
    const std::string& message = refused.error().message;
    CHECK(message.contains(std::string("\"") + name + "\""));
    for (const std::string& known : OptimizerNames()) {
      CHECK(message.contains(known));
    }
  }
}

TEST_CASE("an option of another optimizer is refused with those that take it",
          "[optimizer]") {
  CHECK(MakeOptimizer("adam", {.momentum = 0.9f}).error().message ==
        "--momentum goes with --optimizer sgd or rmsprop, not adam");
  CHECK(MakeOptimizer("rmsprop", {.momentum = 0.9f, .nesterov = true})
            .error()
            .message == "--nesterov goes with --optimizer sgd, not rmsprop");
  CHECK(MakeOptimizer("adam", {.weight_decay = 0.1f}).error().message ==
        "--weight-decay goes with --optimizer adamw, not adam");
  CHECK(MakeOptimizer("sgd", {.nesterov = true})
            .error()
            .message.contains("--nesterov needs --momentum"));
  const auto taken = MakeOptimizer(
      "sgd", {.learning_rate = 0.5f, .momentum = 0.9f, .nesterov = true});
  CHECK(taken->learning_rate == 0.5f);
  CHECK(taken->momentum == 0.9f);
  CHECK(taken->nesterov);
  CHECK(MakeOptimizer("adamw", {.weight_decay = 0.5f})->weight_decay == 0.5f);
}

TEST_CASE("slots are taken for the state that an optimizer has",
          "[optimizer]") {
  CHECK(OptimizerSlots({.name = "adam"}) == 2);
  CHECK(OptimizerSlots({.name = "sgd"}) == 0);
  CHECK(OptimizerSlots({.name = "sgd", .momentum = 0.9f}) == 1);
  CHECK(OptimizerSlots({.name = "rmsprop"}) == 1);
  CHECK(OptimizerSlots({.name = "rmsprop", .momentum = 0.9f}) == 2);
  CHECK(OptimizerSlots({.name = "rmsprop", .centered = true}) == 2);
  CHECK(
      OptimizerSlots({.name = "rmsprop", .momentum = 0.9f, .centered = true}) ==
      kMaxOptimizerSlots);
}

TEST_CASE("twenty steps follow the formula, on one thread and on two",
          "[optimizer]") {
  const std::string name = GENERATE(from_range(OptimizerNames()));
  INFO(name);
  REQUIRE(kTried.contains(name));
  const Tried& tried = kTried.at(name);
  for (const OptimizerConfig& config : tried.configs) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2}) {
      TestEngine engine(threads);
      // Large enough for several threads to take part.
      Network network = MakeNetwork(
          DenseModel(300, {{.units = 200}, {.units = 3}}),
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
          (twins[i].*tried.twin)(config, grads[i], t);
        }
      }
      std::vector<double> want;
      for (const ScalarTwin& twin : twins) want.push_back(twin.weight);
      CHECK(reference::AllNear(network.params(), want, 2e-6, 2e-6));
      results.emplace_back(network.params().begin(), network.params().end());
    }
    CHECK(results[0] == results[1]);
  }
}

// The example in the documentation of keras.optimizers.RMSprop: the loss is
// w^2 / 2, so that the gradient is w.
TEST_CASE("RMSprop takes the step of Keras' own example", "[optimizer]") {
  TestEngine engine;
  std::vector<float> w = {10.0f}, g = {10.0f}, velocity = {0.0f};
  OptimizerStep(*MakeOptimizer("rmsprop", {.learning_rate = 0.1f}), 1,
                *engine.context().kernels, *engine.context().pool,
                {.params = w, .grads = g, .slots = {velocity}});
  CHECK(std::abs(w[0] - 9.683772f) < 1e-6f);
}

}  // namespace
}  // namespace batchsweep
