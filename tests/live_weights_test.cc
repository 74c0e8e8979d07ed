#include "xnn/live_weights.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <vector>

#include "platform/memory.h"
#include "tests/fixtures.h"
#include "tests/reference.h"
#include "util/rng.h"
#include "xnn/convolution.h"
#include "xnn/fully_connected.h"

namespace batchsweep::xnn {
namespace {

using reference::AllNear;
using reference::RandomFloats;

// What the copies make of indexes as weights: indexes again, -1 where nothing
// is copied to.
std::vector<float> Copied(const std::vector<int64_t>& indexes,
                          size_t weights_size) {
  std::vector<float> weights(weights_size);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<float>(i);
  }
  std::vector<float> packed(indexes.size(), -1.0f);
  RunCopies(CopiesOf(indexes), weights.data(), packed.data());
  return packed;
}

TEST_CASE("copies give back any order, padding and repetition",
          "[live_weights]") {
  Rng rng(1, 0);
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> indexes;
    while (indexes.size() < 200) {
      // Runs as layouts have them: ascending, strided, repeated, or none.
      const auto length = 1 + rng.Below(12);
      const auto first = static_cast<int64_t>(rng.Below(100));
      const auto stride = static_cast<int64_t>(rng.Below(4));
      const bool none = rng.Below(4) == 0;
      for (uint64_t i = 0; i < length; ++i) {
        indexes.push_back(none ? -1 : first + static_cast<int64_t>(i) * stride);
      }
    }
    const std::vector<float> packed = Copied(indexes, 200);
    for (size_t p = 0; p < indexes.size(); ++p) {
      REQUIRE(packed[p] == static_cast<float>(indexes[p]));
    }
  }
}

TEST_CASE("a blocked layout with ragged padding needs few copies",
          "[live_weights]") {
  // 37 outputs of 50 inputs in blocks of 16, each row of the last block filled
  // up with copies of its last weight.
  std::vector<int64_t> indexes;
  for (int64_t block = 0; block < 37; block += 16) {
    for (int64_t k = 0; k < 50; ++k) {
      for (int64_t i = 0; i < 16; ++i) {
        indexes.push_back(k * 37 + std::min<int64_t>(block + i, 36));
      }
    }
  }
  CHECK(CopiesOf(indexes).size() <= 4);
}

constexpr int64_t kSlack = 64;

// Of sums of up to 925 products below 1, each rounded twice where there is no
// fused multiply-add (32-bit Arm, SSE).
constexpr double kAbsolute = 5e-5;

std::vector<float> Slacked(std::vector<float> values) {
  values.resize(values.size() + kSlack);
  return values;
}

TEST_CASE("a fully connected operator follows its changing weights",
          "[live_weights]") {
  TestEngine engine;
  ThreadPool& pool = *engine.context().pool;
  const int64_t in = GENERATE(1, 10, 64, 100);
  const int64_t out = GENERATE(1, 3, 10, 17, 37, 64);
  const bool recreate = GENERATE(false, true);
  const bool use_bias = GENERATE(true, false);
  auto op = FullyConnected::Create({.in = in,
                                    .out = out,
                                    .use_bias = use_bias,
                                    .clamp = {.min = -0.4f, .max = 0.5f},
                                    .recreate = recreate})
                .value();
  CHECK(op.live() == !recreate);
  const AlignedBlock packed =
      AllocateAligned(op.packed_bytes() + kSlack).value();
  op.BindWeights(packed.get());
  Rng rng(3, 0);
  for (const int64_t batch : {5, 1}) {
    for (int update = 0; update < 2; ++update) {
      const auto x = RandomFloats(static_cast<size_t>(batch * in), -1, 1, rng);
      const auto slacked = Slacked(x);
      const auto kernel =
          RandomFloats(static_cast<size_t>(in * out), -1, 1, rng);
      const auto bias = RandomFloats(static_cast<size_t>(out), -1, 1, rng);
      std::vector<float> y(static_cast<size_t>(batch * out + kSlack));
      REQUIRE(op.Reshape(batch, pool));
      REQUIRE(op.Bind(slacked.data(), y.data()));
      REQUIRE(op.Refresh(kernel.data(), use_bias ? bias.data() : nullptr));
      op.Run(pool);
      auto want = reference::MatMul(x, kernel, batch, in, out);
      for (size_t i = 0; i < want.size(); ++i) {
        if (use_bias) want[i] += bias[i % static_cast<size_t>(out)];
        want[i] = std::clamp(want[i], static_cast<double>(-0.4f), 0.5);
      }
      y.resize(want.size());
      CHECK(AllNear(y, want, kAbsolute, 1e-5));
    }
  }
}

// Both directions of a convolution, naively.
struct NaiveConvolution {
  ConvolutionOptions options;
  int64_t batch, height, width, out_height, out_width;

  // Calls visit(x index, kernel index, y index) for every product.
  template <class Visit>
  void ForEachProduct(const Visit& visit) const {
    const ConvolutionOptions& o = options;
    const int64_t multiplier = o.out_channels / o.channels;
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t oy = 0; oy < out_height; ++oy)
        for (int64_t ox = 0; ox < out_width; ++ox)
          for (int64_t ky = 0; ky < o.kernel_height; ++ky)
            for (int64_t kx = 0; kx < o.kernel_width; ++kx) {
              const int64_t iy =
                  oy * o.stride_height - o.padding.top + ky * o.dilation_height;
              const int64_t ix =
                  ox * o.stride_width - o.padding.left + kx * o.dilation_width;
              if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
              const int64_t pixel = (n * height + iy) * width + ix;
              const int64_t out_pixel = (n * out_height + oy) * out_width + ox;
              const int64_t tap = ky * o.kernel_width + kx;
              for (int64_t c = 0; c < o.channels; ++c) {
                const int64_t first = o.depthwise ? c * multiplier : 0;
                const int64_t count = o.depthwise ? multiplier : o.out_channels;
                for (int64_t i = 0; i < count; ++i) {
                  const int64_t kernel =
                      o.depthwise ? tap * o.out_channels + first + i
                                  : (tap * o.channels + c) * o.out_channels + i;
                  visit(static_cast<size_t>(pixel * o.channels + c),
                        static_cast<size_t>(kernel),
                        static_cast<size_t>(out_pixel * o.out_channels + first +
                                            i));
                }
              }
            }
  }
};

NaiveConvolution SomeConvolution(bool depthwise, bool recreate) {
  const int64_t kernel = GENERATE(1, 2, 3, 5);
  const int64_t stride = GENERATE(1, 2, 3);
  const int64_t dilation = GENERATE(1, 2);
  const bool same = GENERATE(false, true);
  const int64_t channels = GENERATE(1, 3, 10, 17);
  const int64_t out_channels =
      depthwise ? channels * GENERATE(1, 2) : GENERATE(1, 3, 37);
  const int64_t height = 11, width = 12;
  const int64_t reach = (kernel - 1) * dilation + 1;
  ConvolutionOptions options{.channels = channels,
                             .out_channels = out_channels,
                             .kernel_height = kernel,
                             .kernel_width = kernel,
                             .stride_height = stride,
                             .stride_width = stride,
                             .dilation_height = dilation,
                             .dilation_width = dilation,
                             .depthwise = depthwise,
                             .use_bias = true,
                             .recreate = recreate};
  const auto out = [&](int64_t in) {
    return same ? (in + stride - 1) / stride : (in - reach) / stride + 1;
  };
  if (same) {
    const auto total = [&](int64_t in) {
      return std::max<int64_t>((out(in) - 1) * stride + reach - in, 0);
    };
    options.padding.top = total(height) / 2;
    options.padding.bottom = total(height) - total(height) / 2;
    options.padding.left = total(width) / 2;
    options.padding.right = total(width) - total(width) / 2;
  }
  return {options, 2, height, width, out(height), out(width)};
}

void CheckForward(const NaiveConvolution& naive) {
  TestEngine engine;
  ThreadPool& pool = *engine.context().pool;
  const ConvolutionOptions& options = naive.options;
  auto op = Convolution::Create(options).value();
  CHECK(op.live() == !options.recreate);
  const AlignedBlock packed =
      AllocateAligned(op.packed_bytes() + kSlack).value();
  op.BindWeights(packed.get());
  Rng rng(4, 0);
  const auto oc = static_cast<size_t>(options.out_channels);
  const size_t kernel_size =
      static_cast<size_t>(options.kernel_height * options.kernel_width) *
      (options.depthwise ? oc : static_cast<size_t>(options.channels) * oc);
  const auto pixels = static_cast<size_t>(naive.batch * naive.height *
                                          naive.width * options.channels);
  const auto out_size =
      static_cast<size_t>(naive.batch * naive.out_height * naive.out_width) *
      oc;
  const auto x = Slacked(RandomFloats(pixels, -1, 1, rng));
  std::vector<float> y(out_size + kSlack);
  const int64_t bytes =
      op.Reshape(naive.batch, naive.height, naive.width, pool).value();
  const AlignedBlock workspace = AllocateAligned(bytes + kSlack).value();
  REQUIRE(op.Bind(workspace.get(), x.data(), y.data()));
  for (int update = 0; update < 2; ++update) {
    const auto kernel = RandomFloats(kernel_size, -1, 1, rng);
    const auto bias = RandomFloats(oc, -1, 1, rng);
    REQUIRE(op.Refresh(kernel.data(), bias.data()));
    op.Run(pool);
    std::vector<double> want(out_size);
    for (size_t i = 0; i < out_size; ++i) want[i] = bias[i % oc];
    naive.ForEachProduct([&](size_t xi, size_t ki, size_t yi) {
      want[yi] += static_cast<double>(x[xi]) * kernel[ki];
    });
    CHECK(AllNear({y.data(), out_size}, want, kAbsolute, 1e-5));
  }
}

TEST_CASE("a convolution follows its changing weights", "[live_weights]") {
  CheckForward(SomeConvolution(/*depthwise=*/false, GENERATE(false, true)));
}

TEST_CASE("a depthwise convolution follows its changing weights",
          "[live_weights]") {
  CheckForward(SomeConvolution(/*depthwise=*/true, GENERATE(false, true)));
}

TEST_CASE("a convolution's input gradient follows its changing weights",
          "[live_weights]") {
  const NaiveConvolution naive =
      SomeConvolution(/*depthwise=*/false, GENERATE(false, true));
  TestEngine engine;
  ThreadPool& pool = *engine.context().pool;
  const ConvolutionOptions& options = naive.options;
  auto op = ConvolutionInputGradient::Create(options).value();
  CHECK(op.live() == !options.recreate);
  const AlignedBlock packed =
      AllocateAligned(op.packed_bytes() + kSlack).value();
  op.BindWeights(packed.get());
  Rng rng(5, 0);
  const auto size = [](auto... factors) {
    return static_cast<size_t>((factors * ...));
  };
  const size_t dx_size =
      size(naive.batch, naive.height, naive.width, options.channels);
  const auto dy =
      Slacked(RandomFloats(size(naive.batch, naive.out_height, naive.out_width,
                                options.out_channels),
                           -1, 1, rng));
  std::vector<float> dx(dx_size + kSlack);
  REQUIRE(op.Reshape(naive.batch, naive.height, naive.width, naive.out_height,
                     naive.out_width, pool));
  REQUIRE(op.Bind(dy.data(), dx.data()));
  for (int update = 0; update < 2; ++update) {
    const auto kernel =
        RandomFloats(size(options.kernel_height, options.kernel_width,
                          options.channels, options.out_channels),
                     -1, 1, rng);
    REQUIRE(op.Refresh(kernel.data(), nullptr));
    op.Run(pool);
    std::vector<double> want(dx_size);
    naive.ForEachProduct([&](size_t xi, size_t ki, size_t yi) {
      want[xi] += static_cast<double>(dy[yi]) * kernel[ki];
    });
    CHECK(AllNear({dx.data(), dx_size}, want, kAbsolute, 1e-5));
  }
}

}  // namespace
}  // namespace batchsweep::xnn
