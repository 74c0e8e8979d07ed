#include "graph/loss.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <vector>

#include "tests/fixtures.h"
#include "tests/reference.h"

namespace batchsweep {
namespace {

using reference::RandomFloats;

constexpr int64_t kBatch = 3;
constexpr int64_t kSize = 4;

std::vector<Loss> AllLosses() {
  std::vector<Loss> losses;
  for (int i = 0; NameOf(static_cast<Loss>(i)) != nullptr; ++i) {
    losses.push_back(static_cast<Loss>(i));
  }
  return losses;
}

TEST_CASE("the gradient of every loss is that of its score", "[loss]") {
  TestEngine engine;
  const Kernels& kernels = *engine.context().kernels;
  const Loss loss = GENERATE(Catch::Generators::from_range(AllLosses()));
  INFO(NameOf(loss));
  Rng rng(11, 0);
  auto outputs = RandomFloats(kBatch * kSize, -2, 2, rng);
  const auto targets = RandomFloats(kBatch * kSize, 0, 1, rng);
  const std::vector<uint8_t> labels = {2, 0, 3};
  std::vector<float> grads(kBatch * kSize, 99.0f);
  LossTensors tensors = {.outputs = outputs.data(),
                         .output_grads = grads.data(),
                         .batch = kBatch,
                         .size = kSize};
  // A loss that reads what it does not say crashes here.
  switch (TraitsOf(loss).reads) {
    case GroundTruth::kLabel:
      tensors.labels = labels.data();
      break;
    case GroundTruth::kTargets:
      tensors.targets = targets.data();
      break;
  }
  const auto mean_loss = [&] {
    return ScoreOutputs(loss, tensors, kernels).loss_sum / kBatch;
  };
  mean_loss();
  OutputGradient(loss, tensors, kernels);
  const std::vector<float> gradient = grads;
  for (size_t i = 0; i < outputs.size(); ++i) {
    constexpr float kStep = 1e-2f;
    const float value = outputs[i];
    outputs[i] = value + kStep;
    const double above = mean_loss();
    outputs[i] = value - kStep;
    const double below = mean_loss();
    outputs[i] = value;
    INFO("output " << i);
    CHECK(std::abs((above - below) / (2 * kStep) -
                   static_cast<double>(gradient[i])) < 1e-4);
  }
}

TEST_CASE("a loss that tells classes counts the examples it got right",
          "[loss]") {
  TestEngine engine;
  const Loss loss = GENERATE(Catch::Generators::from_range(AllLosses()));
  INFO(NameOf(loss));
  // Right, wrong, right.
  const std::vector<float> outputs = {0, 1, 5, 2, 3, 1, 0, 0, 0, 0, 0, 7};
  const std::vector<float> targets = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  const std::vector<uint8_t> labels = {2, 1, 3};
  std::vector<float> grads(kBatch * kSize);
  const BatchScore score = ScoreOutputs(loss,
                                        {.outputs = outputs.data(),
                                         .labels = labels.data(),
                                         .targets = targets.data(),
                                         .output_grads = grads.data(),
                                         .batch = kBatch,
                                         .size = kSize},
                                        *engine.context().kernels);
  CHECK(score.finite);
  CHECK(score.correct == (TraitsOf(loss).tells_classes ? 2 : 0));
}

TEST_CASE("regularised kernels add to the loss and to its gradient", "[loss]") {
  TestEngine engine;
  const Kernels& kernels = *engine.context().kernels;
  const std::vector<float> a = {1, -2, 3}, b = {4};
  std::vector<float> a_grads = {0.5f, 0.5f, 0.5f}, b_grads = {-1};
  const std::vector<RegularizedKernel> regularized = {
      {.l2 = 0.25f, .values = a, .grads = a_grads},
      {.l2 = 0.5f, .values = b, .grads = b_grads}};
  BatchScore score = {.loss_sum = 1.0};
  AddPenalties(regularized, 2, kernels, score);
  // 1 + 2 * (0.25 * (1 + 4 + 9) + 0.5 * 16)
  CHECK(score.loss_sum == 24.0);
  AddPenaltyGradients(regularized, kernels);
  CHECK(a_grads == std::vector<float>{1.0f, -0.5f, 2.0f});
  CHECK(b_grads == std::vector<float>{3.0f});
}

}  // namespace
}  // namespace batchsweep
