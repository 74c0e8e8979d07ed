#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "platform/memory.h"
#include "tests/reference.h"
#include "xnn/convolution.h"
#include "xnn/operator.h"
#include "xnn/sizes.h"

namespace batchsweep::xnn {
namespace {

using reference::AllNear;
using reference::RandomFloats;

// An aligned copy with the slack that operators may read.
class Tensor {
 public:
  explicit Tensor(size_t count)
      : count_(count),
        block_(AllocateAligned(static_cast<int64_t>(count * sizeof(float)) +
                               kReadSlackBytes)
                   .value()) {}
  explicit Tensor(const std::vector<float>& values) : Tensor(values.size()) {
    std::ranges::copy(values, data());
  }
  float* data() { return reinterpret_cast<float*>(block_.get()); }
  std::span<float> values() { return {data(), count_}; }

 private:
  size_t count_;
  AlignedBlock block_;
};

struct Size {
  int64_t batch, in, out;
};

Size SomeSize() {
  return GENERATE(Size{1, 1, 1}, Size{8, 784, 64}, Size{3, 17, 10},
                  Size{33, 5, 37}, Size{128, 64, 10}, Size{7, 100, 130});
}

TEST_CASE("matrix multiplication matches a naive twin", "[xnn]") {
  REQUIRE(Initialize());
  const auto [m, k, n] = SomeSize();
  const bool transpose_b = GENERATE(false, true);
  ThreadPool pool(GENERATE(1, 2));
  Rng rng(2, 0);
  Tensor a(RandomFloats(static_cast<size_t>(m * k), -1, 1, rng));
  const auto b = RandomFloats(static_cast<size_t>(k * n), -1, 1, rng);
  Tensor given_b(transpose_b ? reference::Transposed(b, k, n) : b);
  Tensor c(static_cast<size_t>(m * n));

  auto op = MatMul::Create({.transpose_b = transpose_b}).value();
  const int64_t bytes = op.Reshape(m, k, n, pool).value();
  // What another operator left in a shared workspace must not matter.
  Tensor workspace(
      std::vector<float>(static_cast<size_t>(bytes) / 4 + 1, std::nanf("")));
  REQUIRE(op.Bind(reinterpret_cast<std::byte*>(workspace.data()), a.data(),
                  given_b.data(), c.data()));
  op.Run(pool);
  CHECK(AllNear(c.values(), reference::MatMul(a.values(), b, m, k, n), 1e-4,
                1e-5));
}

TEST_CASE("a transpose moves every element", "[xnn]") {
  REQUIRE(Initialize());
  const auto [rows, columns, unused] = SomeSize();
  ThreadPool pool(1);
  Rng rng(3, 0);
  Tensor x(RandomFloats(static_cast<size_t>(rows * columns), -1, 1, rng));
  Tensor y(static_cast<size_t>(rows * columns));
  auto op = Transpose::Create().value();
  REQUIRE(op.Reshape(rows, columns, pool));
  REQUIRE(op.Bind(x.data(), y.data()));
  op.Run(pool);
  CHECK(std::ranges::equal(y.values(),
                           reference::Transposed(x.values(), rows, columns)));
}

TEST_CASE("activations match the functions they are named after", "[xnn]") {
  REQUIRE(Initialize());
  using Function = Unary::Function;
  const auto function =
      GENERATE(Function::kRelu, Function::kTanh, Function::kSigmoid);
  ThreadPool pool(1);
  Rng rng(4, 0);
  Tensor x(RandomFloats(5 * 37, -4, 4, rng));
  Tensor y(5 * 37);
  auto op = Unary::Create(function).value();
  REQUIRE(op.Reshape(5, 37, pool));
  REQUIRE(op.Bind(x.data(), y.data()));
  op.Run(pool);
  std::vector<double> want;
  for (const double value : x.values()) {
    want.push_back(function == Function::kRelu   ? std::max(value, 0.0)
                   : function == Function::kTanh ? std::tanh(value)
                                                 : 1 / (1 + std::exp(-value)));
  }
  CHECK(AllNear(y.values(), want, 1e-6, 1e-6));
}

TEST_CASE("an operator can be shaped anew for a smaller batch", "[xnn]") {
  REQUIRE(Initialize());
  ThreadPool pool(1);
  Rng rng(5, 0);
  Tensor a(RandomFloats(8 * 20, -1, 1, rng));
  Tensor b(RandomFloats(20 * 6, -1, 1, rng));
  Tensor c(8 * 6);
  auto op = MatMul::Create({}).value();
  const int64_t largest = op.Reshape(8, 20, 6, pool).value();
  const AlignedBlock workspace = AllocateAligned(largest).value();
  for (const int64_t batch : {8, 3, 8, 1}) {
    CHECK(op.Reshape(batch, 20, 6, pool).value() <= largest);
    REQUIRE(op.Bind(workspace.get(), a.data(), b.data(), c.data()));
    op.Run(pool);
    const auto want = reference::MatMul(a.values(), b.values(), batch, 20, 6);
    CHECK(AllNear(c.values().first(want.size()), want, 1e-5, 1e-5));
  }
}

TEST_CASE("a parallel loop covers its range once", "[xnn]") {
  const int threads = GENERATE(1, 2);
  const int64_t size = GENERATE(0, 1, 100, 1001);
  ThreadPool pool(threads);
  std::vector<std::atomic<int>> visits(static_cast<size_t>(size));
  pool.ParallelFor(size, 64, [&](int64_t begin, int64_t count) {
    for (int64_t i = begin; i < begin + count; ++i) {
      ++visits[static_cast<size_t>(i)];
    }
  });
  CHECK(std::ranges::all_of(visits, [](const auto& n) { return n == 1; }));
}

TEST_CASE("sizes are multiplied in 64 bits before XNNPACK sees them", "[xnn]") {
  constexpr int64_t k32Bits = INT32_MAX;  // the most on a 32-bit board
  CHECK(CheckBytes("some", {1 << 15, 1 << 14, 4}, k32Bits + int64_t{1}));
  CHECK(!CheckBytes("some", {1 << 15, 1 << 14, 4}, k32Bits));
  // 2^64, which is 0 in 64 bits and in 32.
  CHECK(!CheckBytes("some", {1 << 30, 1 << 30, 4, 4}, INT64_MAX));
  CHECK(CheckBytes("some", {0, 1 << 30, 1 << 30, 1 << 30}, k32Bits));
  CHECK(CheckBytes("some", {1 << 15, 1 << 15, 4}).has_value() ==
        (sizeof(void*) == 8));
}

TEST_CASE("a convolution that 32 bits cannot address is refused there",
          "[xnn]") {
  constexpr int64_t k32Bits = INT32_MAX;
  const ConvolutionOptions small = {
      .channels = 3, .out_channels = 8, .kernel_height = 3, .kernel_width = 3};
  CHECK(CheckSizes(small, k32Bits));
  CHECK(CheckSizesOn(small, 32, 96, 96, k32Bits));
  // 2^32 + 4 bytes of images and more, which are few in 32 bits.
  CHECK(!CheckSizesOn(small, 32 * 1214, 96, 96, k32Bits));
  CHECK(CheckSizesOn(small, 32 * 1214, 96, 96, INT64_MAX));
  ConvolutionOptions wide = small;
  wide.out_channels = 1 << 24;
  CHECK(!CheckSizes(wide, k32Bits));
  CHECK(!CheckSizesOn(wide, 1, 20, 20, k32Bits));
  ConvolutionOptions many_taps = small;
  many_taps.kernel_height = many_taps.kernel_width = 256;
  CHECK(!CheckSizesOn(many_taps, 1, 512, 512, k32Bits));
  ConvolutionOptions far = small;
  far.padding.top = int64_t{1} << 32;
  CHECK(!CheckSizes(far, INT64_MAX));
  far.padding.top = -1;
  CHECK(!CheckSizes(far, INT64_MAX));
}

TEST_CASE("operators refuse what this build cannot address", "[xnn]") {
  REQUIRE(Initialize());
  ThreadPool pool(1);
  constexpr int64_t kHuge = int64_t{1} << 31;
  auto transpose = Transpose::Create();
  REQUIRE(transpose);
  CHECK(!transpose->Reshape(kHuge, kHuge, pool));
  auto unary = Unary::Create(Unary::Function::kTanh);
  REQUIRE(unary);
  CHECK(!unary->Reshape(kHuge, kHuge, pool));
  auto product = MatMul::Create({});
  REQUIRE(product);
  CHECK(!product->Reshape(kHuge, kHuge, 1, pool));
  CHECK(!product->Reshape(1, kHuge, kHuge, pool));
  CHECK(!product->Reshape(kHuge, 1, kHuge, pool));
}

}  // namespace
}  // namespace batchsweep::xnn
