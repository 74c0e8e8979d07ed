// How exact the steps of Adam and RMSprop are, and what they do at the edges of
// what a float can hold. kernels_test.cc has their formulas.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/kernels.h"
#include "tests/reference.h"

namespace batchsweep {
namespace {

using reference::RandomFloats;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr AdamCoefficients kAdam{.step_size = 3e-4f,
                                 .one_minus_beta1 = 0.1f,
                                 .one_minus_beta2 = 0.001f,
                                 .epsilon = 1e-7f,
                                 .decay = 0.0f};
constexpr RmsPropCoefficients kRmsProp{.learning_rate = 1e-3f,
                                       .one_minus_rho = 0.1f,
                                       .momentum = 0.5f,
                                       .epsilon = 1e-7f};

std::vector<const Kernels*> Tables() {
  return KernelsUpTo(DetectCpu().value().isa);
}

// Values of either sign whose size is anywhere between 10^low and 10^high.
std::vector<float> AnySize(size_t count, float low, float high, Rng& rng) {
  auto values = RandomFloats(count, low, high, rng);
  const auto signs = RandomFloats(count, -1, 1, rng);
  for (size_t i = 0; i < count; ++i) {
    values[i] = std::copysign(std::pow(10.0f, values[i]), signs[i]);
  }
  return values;
}

// One step of Adam for a weight of 0, whose value after it is the change alone.
struct AdamState {
  std::vector<float> g, w, m, v;

  AdamState(std::vector<float> gradients, float mean, float square)
      : g(std::move(gradients)),
        w(g.size(), 0.0f),
        m(g.size(), mean),
        v(g.size(), square) {}

  void Step(const Kernels& kernels, const AdamCoefficients& adam = kAdam) {
    kernels.adam_step(adam, g.data(), static_cast<int64_t>(g.size()), w.data(),
                      m.data(), v.data());
  }
};

double WorstError(const std::vector<float>& got,
                  const std::vector<double>& want) {
  double worst = 0.0;
  for (size_t i = 0; i < got.size(); ++i) {
    worst = std::max(worst, std::abs(got[i] / want[i] - 1.0));
  }
  return worst;
}

TEST_CASE("Adam's change is right to four units in the last place",
          "[kernels][optimizer]") {
  Rng rng(21, 0);
  for (const Kernels* kernels : Tables()) {
    AdamState state(AnySize(100000, -17, 17, rng), 0.0f, 0.0f);
    state.Step(*kernels);
    std::vector<double> want;
    // The change is held against what becomes of the m and v that were stored.
    for (size_t i = 0; i < state.g.size(); ++i) {
      want.push_back(-kAdam.step_size * static_cast<double>(state.m[i]) /
                     (std::sqrt(static_cast<double>(state.v[i])) +
                      static_cast<double>(kAdam.epsilon)));
    }
    INFO(IsaName(kernels->isa));
    CHECK(WorstError(state.w, want) <= 4 * 0x1p-23);
  }
}

TEST_CASE("RMSprop's change is right to four units in the last place",
          "[kernels][optimizer]") {
  Rng rng(22, 0);
  for (const Kernels* kernels : Tables()) {
    const auto g = AnySize(100000, -17, 17, rng);
    std::vector<float> w(g.size(), 0.0f), v(g.size(), 0.0f);
    kernels->rmsprop_step(kRmsProp, g.data(), static_cast<int64_t>(g.size()),
                          w.data(), v.data(), nullptr, nullptr);
    std::vector<double> want;
    for (size_t i = 0; i < g.size(); ++i) {
      want.push_back(-kRmsProp.learning_rate * static_cast<double>(g[i]) /
                     std::sqrt(static_cast<double>(v[i]) +
                               static_cast<double>(kRmsProp.epsilon)));
    }
    INFO(IsaName(kernels->isa));
    CHECK(WorstError(w, want) <= 4 * 0x1p-23);
  }
}

// An optimizer's step on `count` values from each of these on: gradients,
// weights, and up to three slots.
struct StepOfPart {
  const char* name;
  void (*step)(const Kernels& kernels, const float* g, int64_t count, float* w,
               float* a, float* b, float* c);
};

constexpr StepOfPart kSteps[] = {
    {"Adam", [](const Kernels& kernels, const float* g, int64_t count, float* w,
                float* a, float* b,
                float*) { kernels.adam_step(kAdam, g, count, w, a, b); }},
    {"SGD",
     [](const Kernels& kernels, const float* g, int64_t count, float* w, float*,
        float*, float*) {
       kernels.sgd_step({.learning_rate = 0.01f}, g, count, w, nullptr);
     }},
    {"SGD with momentum",
     [](const Kernels& kernels, const float* g, int64_t count, float* w,
        float* a, float*, float*) {
       kernels.sgd_step({.learning_rate = 0.01f, .momentum = 0.9f}, g, count, w,
                        a);
     }},
    {"SGD with Nesterov's momentum",
     [](const Kernels& kernels, const float* g, int64_t count, float* w,
        float* a, float*, float*) {
       kernels.sgd_step(
           {.learning_rate = 0.01f, .momentum = 0.9f, .nesterov = true}, g,
           count, w, a);
     }},
    {"RMSprop",
     [](const Kernels& kernels, const float* g, int64_t count, float* w,
        float* a, float*, float*) {
       kernels.rmsprop_step(kRmsProp, g, count, w, a, nullptr, nullptr);
     }},
    {"RMSprop with momentum",
     [](const Kernels& kernels, const float* g, int64_t count, float* w,
        float* a, float* b, float*) {
       kernels.rmsprop_step(kRmsProp, g, count, w, a, b, nullptr);
     }},
    {"RMSprop, centered",
     [](const Kernels& kernels, const float* g, int64_t count, float* w,
        float* a, float* b, float*) {
       kernels.rmsprop_step(kRmsProp, g, count, w, a, nullptr, b);
     }},
    {"RMSprop, centered, with momentum",
     [](const Kernels& kernels, const float* g, int64_t count, float* w,
        float* a, float* b,
        float* c) { kernels.rmsprop_step(kRmsProp, g, count, w, a, b, c); }},
};

// A fused update has the tensor in tiles, a separate one as a whole.
TEST_CASE("a tensor updated in parts has the bits of one updated in one go",
          "[kernels][optimizer]") {
  constexpr size_t kCount = 301;
  Rng rng(23, 0);
  const auto g = AnySize(kCount, -6, 2, rng);
  std::vector<float> start[4];
  for (auto& array : start) array = RandomFloats(kCount, 0, 1, rng);
  // A mean of squares, which no square of a mean exceeds.
  start[1] = RandomFloats(kCount, 1, 2, rng);
  for (const Kernels* kernels : Tables()) {
    for (const StepOfPart& optimizer : kSteps) {
      const auto updated_in = [&](size_t part) {
        auto arrays = std::to_array(start);
        for (size_t i = 0; i < kCount; i += part) {
          const auto count = static_cast<int64_t>(std::min(part, kCount - i));
          optimizer.step(*kernels, g.data() + i, count, arrays[0].data() + i,
                         arrays[1].data() + i, arrays[2].data() + i,
                         arrays[3].data() + i);
        }
        return arrays;
      };
      const auto whole = updated_in(kCount);
      CHECK(whole[0] != start[0]);
      for (const size_t part : {1u, 3u, 16u, 17u, 50u}) {
        INFO(IsaName(kernels->isa)
             << ", " << optimizer.name << ", parts of " << part);
        CHECK((updated_in(part) == whole));
      }
    }
  }
}

TEST_CASE("a weight without gradients stays, whatever Adam's epsilon divides",
          "[kernels][optimizer]") {
  for (const Kernels* kernels : Tables()) {
    for (const float square : {0.0f, std::numeric_limits<float>::denorm_min(),
                               std::numeric_limits<float>::min() / 2,
                               std::numeric_limits<float>::min()}) {
      INFO(IsaName(kernels->isa) << ", v " << square);
      AdamState state(std::vector<float>(37, 0.0f), 0.0f, square);
      state.Step(*kernels);
      CHECK(state.w == std::vector<float>(37, 0.0f));
      // What a v near 0 adds to epsilon is less than epsilon's last digit.
      AdamState moved(std::vector<float>(37, 0.0f), 1e-6f, square);
      moved.Step(*kernels);
      const double want = -3e-4 * 0.9e-6 / 1e-7;
      CHECK(reference::AllNear(moved.w, std::vector<double>(37, want), 0.0,
                               1e-6));
    }
  }
}

// So that the next step's logits show it.
TEST_CASE("what is not finite makes a weight that is not finite",
          "[kernels][optimizer]") {
  for (const Kernels* kernels : Tables()) {
    INFO(IsaName(kernels->isa));
    for (const float gradient : {kNaN, kInfinity, -kInfinity}) {
      std::vector<float> g(40, 0.5f);
      g[3] = g[39] = gradient;
      AdamState adam(g, 0.1f, 0.1f);
      adam.Step(*kernels);
      std::vector<float> w(40, 0.0f), v(40, 0.1f);
      kernels->rmsprop_step(kRmsProp, g.data(), 40, w.data(), v.data(), nullptr,
                            nullptr);
      for (size_t i = 0; i < g.size(); ++i) {
        INFO("gradient " << gradient << ", value " << i);
        CHECK(std::isfinite(adam.w[i]) == std::isfinite(g[i]));
        CHECK(std::isfinite(w[i]) == std::isfinite(g[i]));
      }
    }
    AdamState nan(std::vector<float>(5, 0.5f), 0.1f, kNaN);
    nan.Step(*kernels);
    CHECK(std::ranges::all_of(nan.w, [](float w) { return std::isnan(w); }));
  }
}

}  // namespace
}  // namespace batchsweep
