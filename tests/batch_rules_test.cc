#include "sweep/batch_rules.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "tests/fixtures.h"

namespace batchsweep {
namespace {

using Catch::Approx;

OptimizerConfig Adam() { return MakeOptimizer("adam").value(); }

// What is refused, or nothing.
std::string Refusal(const char* optimizer, const BatchRules& rules,
                    const std::vector<int64_t>& batch_sizes) {
  const Status status =
      CheckRules(MakeOptimizer(optimizer).value(), rules, batch_sizes);
  return status ? "" : status.error().message;
}

TEST_CASE("half-life keeps the examples that the second moment remembers",
          "[rules]") {
  const BatchRules rules = {.adam = AdamRule::kHalfLife};
  const OptimizerConfig at8 = ScaledOptimizer(Adam(), rules, 8);
  const OptimizerConfig at128 = ScaledOptimizer(Adam(), rules, 128);
  // .999^(1/4) and .999^4, by hand.
  CHECK(std::abs(at8.beta2 - 0.999749906) < 1e-9);
  CHECK(std::abs(at128.beta2 - 0.996005996001) < 1e-12);
  for (const OptimizerConfig& scaled : {at8, at128}) {
    CHECK(scaled.beta1 == Adam().beta1);
    CHECK(scaled.learning_rate == Adam().learning_rate);
    CHECK(scaled.epsilon == Adam().epsilon);
  }
  CHECK(HalfLifeExamples(at8.beta2, 8) == Approx(22'169.6).margin(0.1));
  CHECK(HalfLifeExamples(at128.beta2, 128) == Approx(22'169.6).margin(0.1));
  // Without a rule they are these.
  CHECK(std::lround(HalfLifeExamples(0.999, 8)) == 5542);
  CHECK(std::lround(HalfLifeExamples(0.999, 32)) == 22'170);
  CHECK(std::lround(HalfLifeExamples(0.999, 128)) == 88'678);
}

TEST_CASE("sde scales rate, betas and epsilon as its formulas say", "[rules]") {
  const BatchRules rules = {.adam = AdamRule::kSde};
  const OptimizerConfig at8 = ScaledOptimizer(Adam(), rules, 8);
  CHECK(at8.learning_rate == Approx(0.0005f));
  CHECK(at8.beta1 == 0.975);
  CHECK(at8.beta2 == 0.99975);
  CHECK(at8.epsilon == Approx(2e-7f));
  const OptimizerConfig at128 = ScaledOptimizer(Adam(), rules, 128);
  CHECK(at128.learning_rate == Approx(0.002f));
  CHECK(at128.beta1 == 0.6);
  CHECK(at128.beta2 == 0.996);
  CHECK(at128.epsilon == Approx(5e-8f));
}

TEST_CASE("no rule changes anything at the reference batch", "[rules]") {
  for (const AdamRule rule :
       {AdamRule::kNone, AdamRule::kHalfLife, AdamRule::kSde}) {
    const BatchRules rules = {.adam = rule, .reference_batch = 64};
    const OptimizerConfig same = ScaledOptimizer(Adam(), rules, 64);
    CHECK(same.beta1 == Adam().beta1);
    CHECK(same.beta2 == Adam().beta2);
    CHECK(same.learning_rate == Adam().learning_rate);
    CHECK(same.epsilon == Adam().epsilon);
  }
  const BatchRules rules = {.lr = LrRule::kSqrt, .reference_batch = 64};
  CHECK(ScaledOptimizer(Adam(), rules, 256).learning_rate == 0.002f);
}

TEST_CASE("the update uses the digits of 1 - beta that a float would lose",
          "[rules]") {
  // From 32 to 1: 1 - beta2 is 3.12659e-5, of which 1.0f - beta2 in float keeps
  // three digits and a half.
  const OptimizerConfig scaled =
      ScaledOptimizer(Adam(), {.adam = AdamRule::kHalfLife}, 1);
  const double one_minus_beta2 = -std::expm1(std::log(0.999) / 32.0);
  CHECK(1.0 - scaled.beta2 == Approx(one_minus_beta2).epsilon(1e-9));
  TestEngine engine;
  std::vector<float> params = {0.0f}, m = {0.0f}, v = {0.0f};
  const std::vector<float> grads = {1.0f};
  OptimizerStep(scaled, 1, *engine.context().kernels, *engine.context().pool,
                {.params = params, .grads = grads, .slots = {m, v}});
  // The first step's v is (1 - beta2) g^2, and its step the learning rate.
  CHECK(v[0] == Approx(one_minus_beta2).epsilon(2e-7));
  CHECK(params[0] == Approx(-0.001).epsilon(1e-4));
}

TEST_CASE("sde goes with batch sizes that leave a beta1, the largest is told",
          "[rules]") {
  const BatchRules rules = {.adam = AdamRule::kSde};
  CHECK(Refusal("adam", rules, {8, 319}).empty());
  // 10 (1 - 0.9) is a little less than 1 in double; it counts as 1.
  const std::string refusal = Refusal("adam", rules, {8, 320});
  CHECK(refusal.contains("batch size 320 is 10 times --reference-batch 32"));
  CHECK(refusal.contains("the largest that works is 319"));
  CHECK(ScaledOptimizer(Adam(), rules, 319).beta1 > 0.0);
  const BatchRules larger = {.adam = AdamRule::kSde, .reference_batch = 1000};
  CHECK(Refusal("adam", larger, {9999}).empty());
  CHECK(Refusal("adam", larger, {10'000}).contains("works is 9999"));
  CHECK(Refusal("adam", {.adam = AdamRule::kHalfLife}, {100'000}).empty());
}

TEST_CASE("rules that do not go together or with the optimizer are refused",
          "[rules]") {
  const BatchRules both = {.lr = LrRule::kSqrt, .adam = AdamRule::kSde};
  CHECK(Refusal("adam", both, {8}).contains("sets the learning rate itself"));
  const BatchRules half = {.lr = LrRule::kSqrt, .adam = AdamRule::kHalfLife};
  CHECK(Refusal("adamw", half, {8}).empty());
  CHECK(Refusal("sgd", half, {8}) ==
        "--adam-rule half-life goes with --optimizer adam or adamw, not sgd");
  CHECK(Refusal("rmsprop", {.adam = AdamRule::kSde}, {8}).contains("rmsprop"));
  CHECK(Refusal("rmsprop", {.lr = LrRule::kLinear}, {8}).empty());
}

TEST_CASE("a float's decimal is the one that it was written as", "[rules]") {
  CHECK(DecimalOf(0.999f) == 0.999);
  CHECK(DecimalOf(0.9f) == 0.9);
  CHECK(DecimalOf(0.99975) == 0.99975);
  CHECK(DecimalOf(0.5) == 0.5);
}

}  // namespace
}  // namespace batchsweep
