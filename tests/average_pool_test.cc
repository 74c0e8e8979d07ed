// The kernels of average pooling against naive twins in double precision, on
// every instruction set. layers_test.cc has the layers.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kernels/kernels.h"
#include "tests/reference.h"

namespace batchsweep {
namespace {

using reference::AllNear;
using reference::GuardedFloats;
using reference::RandomFloats;

// body(place in y, place in x, share) for each value that a window averages.
template <class Body>
void ForEachAveraged(const WindowGeometry& w, const Body& body) {
  for (int64_t oy = 0; oy < w.out_height; ++oy) {
    for (int64_t ox = 0; ox < w.out_width; ++ox) {
      std::vector<int64_t> pixels;
      for (int64_t ky = 0; ky < w.window_height; ++ky) {
        for (int64_t kx = 0; kx < w.window_width; ++kx) {
          const int64_t iy = oy * w.stride_height - w.top + ky;
          const int64_t ix = ox * w.stride_width - w.left + kx;
          const bool inside =
              iy >= 0 && iy < w.height && ix >= 0 && ix < w.width;
          if (inside) pixels.push_back(iy * w.width + ix);
        }
      }
      for (const int64_t pixel : pixels) {
        for (int64_t c = 0; c < w.channels; ++c) {
          body(static_cast<size_t>((oy * w.out_width + ox) * w.channels + c),
               static_cast<size_t>(pixel * w.channels + c),
               1.0 / static_cast<double>(pixels.size()));
        }
      }
    }
  }
}

TEST_CASE("average pooling matches naive twins on every instruction set",
          "[kernels][pooling]") {
  const int64_t channels = GENERATE(1, 2, 3, 5, 6, 7, 9, 16, 19, 64);
  // Windows that tile the image, that overlap, and that are the whole of it.
  const auto [size, stride, before, out] = GENERATE(
      std::array<int64_t, 4>{2, 2, 0, 3}, std::array<int64_t, 4>{3, 2, 1, 3},
      std::array<int64_t, 4>{6, 6, 0, 1});
  const WindowGeometry window{.height = 6,
                              .width = 6,
                              .channels = channels,
                              .out_height = out,
                              .out_width = out,
                              .window_height = size,
                              .window_width = size,
                              .stride_height = stride,
                              .stride_width = stride,
                              .top = before,
                              .left = before};
  Rng rng(43, 0);
  const auto x = RandomFloats(static_cast<size_t>(36 * channels), -1, 1, rng);
  const auto dy =
      RandomFloats(static_cast<size_t>(out * out * channels), -1, 1, rng);
  std::vector<double> y(dy.size(), 0.0), dx(x.size(), 0.0);
  ForEachAveraged(window, [&](size_t to, size_t from, double share) {
    y[to] += share * static_cast<double>(x[from]);
    dx[from] += share * static_cast<double>(dy[to]);
  });
  for (const Kernels* kernels : KernelsUpTo(DetectCpu().value().isa)) {
    INFO(IsaName(kernels->isa) << ", " << channels << " channels");
    GuardedFloats own_y(std::ssize(y), 1), own_dx(std::ssize(dx), 3);
    kernels->average_pool(window, x.data(), own_y.data());
    CHECK(AllNear(own_y.values(), y, 1e-6, 1e-6));
    CHECK(own_y.GuardsIntact());
    kernels->average_pool_grad(window, dy.data(), own_dx.data());
    CHECK(AllNear(own_dx.values(), dx, 1e-6, 1e-6));
    CHECK(own_dx.GuardsIntact());
  }
}

}  // namespace
}  // namespace batchsweep
