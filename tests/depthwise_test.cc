// Depthwise convolutions: the kernels against naive twins, on every instruction
// set, and our forward pass against XNNPACK's. layers_test.cc has the layers.
#include "graph/depthwise_operations.h"
// The CHECK below is Catch2's.
#undef CHECK

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "platform/memory.h"
#include "tests/fixtures.h"
#include "tests/reference.h"

namespace batchsweep {
namespace {

using reference::AllNear;
using reference::GuardedFloats;
using reference::RandomFloats;

// Taps at places that follow no pattern, over positions that are further apart
// than their channels.
struct Trial {
  std::vector<DepthwiseTap> taps;
  DepthwisePass pass;
  int64_t x_size = 0;
  int64_t y_size = 0;

  Trial(int64_t channels, int64_t lines, int64_t pixels, int64_t tap_count,
        Rng& rng)
      : pass{.lines = lines,
             .pixels = pixels,
             .channels = channels,
             .tap_count = tap_count,
             .x_line = 3 * channels + 1,
             .x_pixel = channels + 2,
             .y_line = pixels * (channels + 1) + 3,
             .y_pixel = channels + 1} {
    for (int64_t t = 0; t < tap_count; ++t) {
      taps.push_back({.place = static_cast<int64_t>(rng.Below(50)),
                      .weights = (tap_count - 1 - t) * channels});
    }
    pass.taps = taps.data();
    x_size = 50 + lines * pass.x_line + pixels * pass.x_pixel + channels;
    y_size = lines * pass.y_line;
  }

  // body(place in x, place in y) for each position.
  template <class Body>
  void ForEachPosition(const Body& body) const {
    for (int64_t line = 0; line < pass.lines; ++line) {
      for (int64_t p = 0; p < pass.pixels; ++p) {
        body(line * pass.x_line + p * pass.x_pixel,
             line * pass.y_line + p * pass.y_pixel);
      }
    }
  }
};

struct Operands {
  std::vector<float> x, y, kernel, bias;

  Operands(const Trial& trial, Rng& rng)
      : x(RandomFloats(static_cast<size_t>(trial.x_size), -1, 1, rng)),
        y(RandomFloats(static_cast<size_t>(trial.y_size), -1, 1, rng)),
        kernel(RandomFloats(
            static_cast<size_t>(trial.pass.tap_count * trial.pass.channels), -1,
            1, rng)),
        bias(RandomFloats(static_cast<size_t>(trial.pass.channels), -1, 1,
                          rng)) {}
};

std::vector<double> NaiveForward(const Trial& trial, const Operands& operands,
                                 bool with_bias, const DepthwiseClamp& clamp) {
  const auto at = [](const std::vector<float>& values, int64_t place) {
    return static_cast<double>(values[static_cast<size_t>(place)]);
  };
  std::vector<double> y(operands.y.begin(), operands.y.end());
  trial.ForEachPosition([&](int64_t from, int64_t to) {
    for (int64_t c = 0; c < trial.pass.channels; ++c) {
      double sum = with_bias ? at(operands.bias, c) : 0.0;
      for (const DepthwiseTap& tap : trial.taps) {
        sum += at(operands.x, from + tap.place + c) *
               at(operands.kernel, tap.weights + c);
      }
      y[static_cast<size_t>(to + c)] = std::clamp(
          sum, static_cast<double>(clamp.low), static_cast<double>(clamp.high));
    }
  });
  return y;
}

std::vector<double> NaiveKernelGrad(const Trial& trial,
                                    const Operands& operands) {
  std::vector<double> dkernel(operands.kernel.begin(), operands.kernel.end());
  trial.ForEachPosition([&](int64_t from, int64_t to) {
    for (const DepthwiseTap& tap : trial.taps) {
      for (int64_t c = 0; c < trial.pass.channels; ++c) {
        dkernel[static_cast<size_t>(tap.weights + c)] +=
            static_cast<double>(
                operands.x[static_cast<size_t>(from + tap.place + c)]) *
            static_cast<double>(operands.y[static_cast<size_t>(to + c)]);
      }
    }
  });
  return dkernel;
}

TEST_CASE("depthwise kernels match naive twins on every instruction set",
          "[kernels][depthwise]") {
  const int64_t channels = GENERATE(1, 3, 4, 7, 8, 13, 16, 33, 47);
  const int64_t pixels = GENERATE(1, 2, 5, 6, 11, 19);
  const int64_t lines = GENERATE(1, 40);
  const int64_t taps = GENERATE(0, 1, 4, 9, 11, 25);
  Rng rng(31, 0);
  const Trial trial(channels, lines, pixels, taps, rng);
  const Operands operands(trial, rng);
  DepthwisePass pass = trial.pass;
  pass.x = operands.x.data();
  const auto dkernel = NaiveKernelGrad(trial, operands);
  for (const Kernels* kernels : KernelsUpTo(DetectCpu().value().isa)) {
    for (const bool extras : {false, true}) {
      INFO(IsaName(kernels->isa) << ", with bias and clamp " << extras);
      const DepthwiseClamp clamp =
          extras ? DepthwiseClamp{.low = 0.0f, .high = 0.5f} : DepthwiseClamp{};
      GuardedFloats y(operands.y, 1);
      kernels->depthwise(pass, operands.kernel.data(),
                         extras ? operands.bias.data() : nullptr, clamp,
                         y.data());
      // What lies between positions keeps what it had.
      CHECK(AllNear(y.values(), NaiveForward(trial, operands, extras, clamp),
                    1e-5, 1e-5));
      CHECK(y.GuardsIntact());
    }
    GuardedFloats got(operands.kernel, 3);
    kernels->depthwise_kernel_grad(pass, operands.y.data(), got.data());
    CHECK(AllNear(got.values(), dkernel, 1e-4, 1e-5));
    CHECK(got.GuardsIntact());
  }
}

TEST_CASE("a depthwise sum lets NaN through its clamp",
          "[kernels][depthwise]") {
  for (const Kernels* kernels : KernelsUpTo(DetectCpu().value().isa)) {
    const std::vector<float> x(20, std::nanf("")), kernel(20, 1.0f);
    std::vector<float> y(20);
    const DepthwiseTap tap{.place = 0, .weights = 0};
    kernels->depthwise({.lines = 1,
                        .pixels = 1,
                        .channels = 20,
                        .taps = &tap,
                        .tap_count = 1,
                        .x = x.data()},
                       kernel.data(), nullptr, {.low = 0.0f, .high = 6.0f},
                       y.data());
    CHECK(std::ranges::all_of(y, [](float v) { return std::isnan(v); }));
  }
}

// What one candidate computes from x, with the kernel and the bias.
std::vector<float> RunForward(const Candidate<ConvolutionProblem>& candidate,
                              const ConvolutionProblem& problem,
                              const std::vector<float>& x,
                              std::vector<float> kernel,
                              std::vector<float> bias, int64_t batch) {
  TestEngine engine;
  auto context = engine.context();
  auto operation = candidate.create(problem, context).value();
  MemoryPlanner planner;
  REQUIRE(operation->Plan({.max_batch = batch, .planner = planner}, batch));
  planner.Plan();
  const auto memory = AllocateAligned(planner.arena_bytes()).value();
  LayerTensors tensors;
  tensors.params = {kernel.data(), bias.data()};
  operation->Bind(tensors, Arena(planner, memory.get()));
  operation->WeightsChanged();
  REQUIRE(operation->SetBatch(batch, batch, *context.pool));
  // XNNPACK reads past the end of x.
  std::vector<float> padded = x;
  padded.resize(x.size() + 16);
  std::vector<float> y(static_cast<size_t>(batch * problem.out_size()));
  operation->Run({.count = batch, .x = padded.data(), .y = y.data()});
  return y;
}

ConvolutionProblem Problem(int64_t channels, int64_t multiplier, int64_t size,
                           int64_t stride, int64_t pad, Activation activation) {
  const int64_t out = (9 + 2 * pad - size) / stride + 1;
  return {.name = "depthwise",
          .window = {.height = 9,
                     .width = 9,
                     .channels = channels,
                     .out_height = out,
                     .out_width = out,
                     .window_height = size,
                     .window_width = size,
                     .stride_height = stride,
                     .stride_width = stride,
                     .top = pad,
                     .left = pad},
          .out_channels = channels * multiplier,
          .depthwise = true,
          .use_bias = true,
          .activation = activation};
}

TEST_CASE("our depthwise convolution gives XNNPACK's values",
          "[depthwise][live_weights]") {
  const int64_t channels = GENERATE(1, 3, 8, 16, 21, 64);
  const int64_t multiplier = GENERATE(1, 2);
  const int64_t size = GENERATE(3, 5);
  const int64_t stride = GENERATE(1, 2);
  const int64_t pad = GENERATE(0, 1);
  const auto activation =
      GENERATE(Activation::kLinear, Activation::kRelu, Activation::kRelu6);
  const ConvolutionProblem problem =
      Problem(channels, multiplier, size, stride, pad, activation);
  constexpr int64_t kBatch = 3;
  Rng rng(32, 0);
  const auto draw = [&](int64_t count) {
    return RandomFloats(static_cast<size_t>(count), -2, 2, rng);
  };
  const auto x = draw(kBatch * problem.in_size());
  const auto kernel = draw(size * size * problem.out_channels);
  const auto bias = draw(problem.out_channels);
  std::vector<std::vector<float>> results;
  for (const auto& candidate : DepthwiseForwards()) {
    results.push_back(RunForward(candidate, problem, x, kernel, bias, kBatch));
  }
  REQUIRE(results.size() == 2);
  CHECK(AllNear(results[1],
                std::vector<double>(results[0].begin(), results[0].end()), 1e-5,
                1e-5));
  // XNNPACK's kernels begin with the bias and take the taps column by column,
  // as ours do; where both have fused multiply-adds the bits are equal. With a
  // multiplier it takes its convolutions, whose order is not the same on every
  // CPU.
  if (multiplier > 1 || DetectCpu().value().isa == IsaLevel::kBaseline) return;
  INFO(size << "x" << size << ", " << channels << " x " << multiplier
            << " channels");
  CHECK(std::ranges::equal(results[0], results[1]));
}

}  // namespace
}  // namespace batchsweep
