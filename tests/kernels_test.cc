#include "kernels/kernels.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <limits>

#include "kernels/denormals.h"
#include "tests/reference.h"

namespace batchsweep {
namespace {

using reference::AllNear;
using reference::GuardedFloats;
using reference::RandomFloats;

// Every length up to two of the longest vectors and one more, then some that
// reach the unrolled loops and leave a remainder.
std::vector<int64_t> Counts() {
  std::vector<int64_t> counts;
  for (int64_t count = 0; count <= 33; ++count) counts.push_back(count);
  counts.insert(counts.end(), {64, 65, 127, 1000});
  return counts;
}

const Cpu& ThisCpu() {
  static const Cpu cpu = DetectCpu().value();
  return cpu;
}

// Runs `body` for each table of kernels that this CPU can run, each count and
// each misalignment in floats.
template <class Body>
void ForEachCase(const Body& body) {
  for (const Kernels* kernels : KernelsUpTo(ThisCpu().isa)) {
    for (const int64_t count : Counts()) {
      for (const int64_t misalignment : {0, 1, 3}) {
        INFO(IsaName(kernels->isa)
             << ", " << count << " values, " << misalignment << " floats off");
        body(*kernels, count, misalignment);
      }
    }
  }
}

std::vector<double> ToDouble(std::span<const float> values) {
  return {values.begin(), values.end()};
}

TEST_CASE("the strongest kernels that the CPU can run are chosen",
          "[kernels]") {
  const auto tables = KernelsUpTo(ThisCpu().isa);
  CHECK(&KernelsFor(ThisCpu().isa) == tables.back());
  CHECK(tables.front()->isa == IsaLevel::kBaseline);
  CHECK(tables.back()->isa == ThisCpu().isa);
#ifdef __x86_64__
  CHECK(KernelsFor(IsaLevel::kAvx2).isa == IsaLevel::kAvx2);
#endif
}

TEST_CASE("8-bit pixels are scaled", "[kernels]") {
  ForEachCase([](const Kernels& kernels, int64_t count, int64_t misalignment) {
    std::vector<uint8_t> pixels(static_cast<size_t>(count + misalignment));
    for (size_t i = 0; i < pixels.size(); ++i) {
      pixels[i] = static_cast<uint8_t>(255 - i * 7);
    }
    GuardedFloats out(count, misalignment);
    kernels.scale_u8(pixels.data() + misalignment, count, 1.0f / 255,
                     out.data());
    std::vector<double> want;
    for (int64_t i = 0; i < count; ++i) {
      want.push_back(pixels[static_cast<size_t>(i + misalignment)] / 255.0);
    }
    REQUIRE(AllNear(out.values(), want, 0.0, 2e-7));
    REQUIRE(out.GuardsIntact());
  });
}

TEST_CASE("an Adam step follows Keras' formula", "[kernels][optimizer]") {
  const AdamCoefficients adam{.step_size = 3e-4f,
                              .one_minus_beta1 = 0.1f,
                              .one_minus_beta2 = 0.001f,
                              .epsilon = 1e-7f,
                              .decay = GENERATE(0.0f, 4e-6f)};
  ForEachCase([&](const Kernels& kernels, int64_t count, int64_t misalignment) {
    Rng rng(1, static_cast<uint64_t>(count));
    const auto size = static_cast<size_t>(count);
    GuardedFloats g(RandomFloats(size, -1.0f, 1.0f, rng), misalignment);
    GuardedFloats w(RandomFloats(size, -1.0f, 1.0f, rng), misalignment);
    GuardedFloats m(RandomFloats(size, -0.1f, 0.1f, rng), misalignment);
    GuardedFloats v(RandomFloats(size, 0.0f, 0.01f, rng), misalignment);
    // A weight that never saw a gradient must stay where it is.
    if (count > 0) {
      g.data()[0] = m.data()[0] = v.data()[0] = 0.0f;
    }
    auto want_w = ToDouble(w.values()), want_m = ToDouble(m.values()),
         want_v = ToDouble(v.values());
    for (size_t i = 0; i < size; ++i) {
      const double gradient = g.values()[i];
      want_m[i] += (gradient - want_m[i]) * adam.one_minus_beta1;
      want_v[i] += (gradient * gradient - want_v[i]) * adam.one_minus_beta2;
      want_w[i] -= adam.decay * want_w[i];
      want_w[i] -=
          adam.step_size * want_m[i] / (std::sqrt(want_v[i]) + adam.epsilon);
    }
    kernels.adam_step(adam, g.data(), count, w.data(), m.data(), v.data());
    REQUIRE(AllNear(w.values(), want_w, 1e-9, 2e-7));
    REQUIRE(AllNear(m.values(), want_m, 1e-8, 3e-7));
    REQUIRE(AllNear(v.values(), want_v, 1e-9, 3e-7));
    REQUIRE((w.GuardsIntact() && m.GuardsIntact() && v.GuardsIntact() &&
             g.GuardsIntact()));
  });
}

TEST_CASE("Adam steps right from tiny to huge gradients",
          "[kernels][optimizer]") {
  for (const Kernels* kernels : KernelsUpTo(ThisCpu().isa)) {
    for (const float gradient : {1e-12f, 1e-6f, 1.0f, 1e6f, 1e15f}) {
      INFO(IsaName(kernels->isa) << ", gradient " << gradient);
      // The first step of t = 1: whatever the gradient's size, the weight moves
      // by the learning rate, but for epsilon.
      const AdamCoefficients adam{
          .step_size = static_cast<float>(1e-3 * std::sqrt(0.001) / 0.1),
          .one_minus_beta1 = 0.1f,
          .one_minus_beta2 = 0.001f,
          .epsilon = 1e-7f,
          .decay = 0.0f};
      std::vector<float> g(20, gradient), w(20, 0.0f), m(20, 0.0f), v(20, 0.0f);
      kernels->adam_step(adam, g.data(), 20, w.data(), m.data(), v.data());
      const double root = std::sqrt(0.001) * gradient;
      const std::vector<double> want(20, -1e-3 * root / (root + 1e-7));
      CHECK(AllNear(w, want, 1e-12, 1e-6));
    }
  }
}

TEST_CASE("an SGD step follows Keras' formula", "[kernels][optimizer]") {
  const SgdCoefficients sgd = GENERATE(SgdCoefficients{0.01f, 0.0f, false},
                                       SgdCoefficients{0.01f, 0.9f, false},
                                       SgdCoefficients{0.01f, 0.9f, true});
  ForEachCase([&](const Kernels& kernels, int64_t count, int64_t misalignment) {
    Rng rng(2, static_cast<uint64_t>(count));
    const auto size = static_cast<size_t>(count);
    GuardedFloats g(RandomFloats(size, -1.0f, 1.0f, rng), misalignment);
    GuardedFloats w(RandomFloats(size, -1.0f, 1.0f, rng), misalignment);
    GuardedFloats velocity(RandomFloats(size, -1.0f, 1.0f, rng), misalignment);
    auto want_w = ToDouble(w.values()), want_v = ToDouble(velocity.values());
    for (size_t i = 0; i < size; ++i) {
      const double push = -double{sgd.learning_rate} * g.values()[i];
      if (sgd.momentum == 0.0f) {
        want_w[i] += push;
        continue;
      }
      want_v[i] = sgd.momentum * want_v[i] + push;
      want_w[i] += sgd.nesterov ? sgd.momentum * want_v[i] + push : want_v[i];
    }
    kernels.sgd_step(sgd, g.data(), count, w.data(),
                     sgd.momentum == 0.0f ? nullptr : velocity.data());
    REQUIRE(AllNear(w.values(), want_w, 2e-7, 2e-7));
    REQUIRE(AllNear(velocity.values(), want_v, 2e-7, 2e-7));
    REQUIRE((w.GuardsIntact() && velocity.GuardsIntact()));
  });
}

TEST_CASE("an RMSprop step follows Keras' formula", "[kernels][optimizer]") {
  const bool with_momentum = GENERATE(false, true);
  const bool centered = GENERATE(false, true);
  const RmsPropCoefficients rmsprop{.learning_rate = 0.01f,
                                    .one_minus_rho = 0.1f,
                                    .momentum = 0.7f,
                                    .epsilon = 1e-7f};
  ForEachCase([&](const Kernels& kernels, int64_t count, int64_t misalignment) {
    Rng rng(4, static_cast<uint64_t>(count));
    const auto size = static_cast<size_t>(count);
    GuardedFloats g(RandomFloats(size, -1.0f, 1.0f, rng), misalignment);
    GuardedFloats w(RandomFloats(size, -1.0f, 1.0f, rng), misalignment);
    // More than the square of the mean, as it is in training.
    GuardedFloats v(RandomFloats(size, 0.1f, 0.5f, rng), misalignment);
    GuardedFloats m(RandomFloats(size, -0.1f, 0.1f, rng), misalignment);
    GuardedFloats mean(RandomFloats(size, -0.2f, 0.2f, rng), misalignment);
    auto want_w = ToDouble(w.values()), want_v = ToDouble(v.values()),
         want_m = ToDouble(m.values()), want_mean = ToDouble(mean.values());
    for (size_t i = 0; i < size; ++i) {
      const double gradient = g.values()[i];
      want_v[i] = (1.0 - rmsprop.one_minus_rho) * want_v[i] +
                  rmsprop.one_minus_rho * gradient * gradient;
      double square = want_v[i];
      if (centered) {
        want_mean[i] = (1.0 - rmsprop.one_minus_rho) * want_mean[i] +
                       rmsprop.one_minus_rho * gradient;
        square -= want_mean[i] * want_mean[i];
      }
      double change = rmsprop.learning_rate * gradient /
                      std::sqrt(square + double{rmsprop.epsilon});
      if (with_momentum) {
        change = want_m[i] = rmsprop.momentum * want_m[i] + change;
      }
      want_w[i] -= change;
    }
    kernels.rmsprop_step(rmsprop, g.data(), count, w.data(), v.data(),
                         with_momentum ? m.data() : nullptr,
                         centered ? mean.data() : nullptr);
    REQUIRE(AllNear(w.values(), want_w, 1e-7, 2e-7));
    REQUIRE(AllNear(v.values(), want_v, 1e-8, 3e-7));
    REQUIRE(AllNear(m.values(), want_m, 1e-7, 3e-7));
    REQUIRE(AllNear(mean.values(), want_mean, 1e-7, 3e-7));
    REQUIRE((w.GuardsIntact() && v.GuardsIntact() && m.GuardsIntact() &&
             mean.GuardsIntact() && g.GuardsIntact()));
  });
}

TEST_CASE("RMSprop steps right from tiny to huge gradients",
          "[kernels][optimizer]") {
  for (const Kernels* kernels : KernelsUpTo(ThisCpu().isa)) {
    for (const float gradient : {0.0f, 1e-12f, 1e-6f, 1.0f, 1e6f, 1e15f}) {
      INFO(IsaName(kernels->isa) << ", gradient " << gradient);
      std::vector<float> g(20, gradient), w(20, 0.0f), v(20, 0.0f);
      kernels->rmsprop_step({.learning_rate = 1e-3f,
                             .one_minus_rho = 0.1f,
                             .momentum = 0.0f,
                             .epsilon = 1e-7f},
                            g.data(), 20, w.data(), v.data(), nullptr, nullptr);
      const double g64 = gradient;
      const std::vector<double> want(
          20, -1e-3 * g64 / std::sqrt(0.1 * g64 * g64 + 1e-7));
      CHECK(AllNear(w, want, 1e-16, 1e-6));
    }
  }
}

TEST_CASE("gradients of activations follow from their outputs", "[kernels]") {
  ForEachCase([](const Kernels& kernels, int64_t count, int64_t misalignment) {
    Rng rng(3, static_cast<uint64_t>(count));
    const auto size = static_cast<size_t>(count);
    GuardedFloats y(RandomFloats(size, -0.9f, 0.9f, rng), misalignment);
    GuardedFloats dy(RandomFloats(size, -2.0f, 2.0f, rng), misalignment);
    if (count > 2) {
      y.data()[0] = 0.0f;
      y.data()[1] = -0.0f;
      y.data()[2] = 1e-40f;  // a denormal is positive all the same
    }
    std::vector<double> relu, tanh, sigmoid;
    for (size_t i = 0; i < size; ++i) {
      const double output = y.values()[i], gradient = dy.values()[i];
      relu.push_back(output > 0 ? gradient : 0.0);
      tanh.push_back(gradient * (1 - output * output));
      sigmoid.push_back(gradient * output * (1 - output));
    }
    GuardedFloats dx(count, misalignment);
    kernels.relu_grad(y.data(), dy.data(), count, dx.data());
    REQUIRE(AllNear(dx.values(), relu, 0.0, 0.0));
    kernels.tanh_grad(y.data(), dy.data(), count, dx.data());
    REQUIRE(AllNear(dx.values(), tanh, 2e-7, 2e-7));
    kernels.sigmoid_grad(y.data(), dy.data(), count, dx.data());
    REQUIRE(AllNear(dx.values(), sigmoid, 2e-7, 2e-7));
    REQUIRE(dx.GuardsIntact());
    kernels.relu_grad(y.data(), dy.data(), count, dy.data());
    REQUIRE(AllNear(dy.values(), relu, 0.0, 0.0));
    REQUIRE(dy.GuardsIntact());
  });
}

TEST_CASE("columns are summed", "[kernels]") {
  for (const int64_t rows : {1, 2, 8, 37}) {
    ForEachCase(
        [&](const Kernels& kernels, int64_t columns, int64_t misalignment) {
          Rng rng(4, static_cast<uint64_t>(columns));
          GuardedFloats x(
              RandomFloats(static_cast<size_t>(rows * columns), -1, 1, rng),
              misalignment);
          // Rows are added in their order, so that no bit differs.
          std::vector<float> want(static_cast<size_t>(columns), 0.0f);
          for (int64_t i = 0; i < rows * columns; ++i) {
            want[static_cast<size_t>(i % columns)] += x.data()[i];
          }
          GuardedFloats sums(columns, misalignment);
          kernels.column_sums(x.data(), rows, columns, sums.data());
          REQUIRE(std::ranges::equal(sums.values(), want));
          REQUIRE(sums.GuardsIntact());
        });
  }
}

TEST_CASE("softmax, loss and gradient match a naive twin", "[kernels][loss]") {
  const int64_t classes = GENERATE(2, 3, 10, 16, 17, 100);
  const float spread = GENERATE(1.0f, 30.0f, 1000.0f);
  for (const Kernels* kernels : KernelsUpTo(ThisCpu().isa)) {
    for (const int64_t rows : {1, 3, 8, 33}) {
      INFO(IsaName(kernels->isa) << ", " << rows << " x " << classes);
      Rng rng(5, static_cast<uint64_t>(rows * classes));
      const auto logits = RandomFloats(static_cast<size_t>(rows * classes),
                                       -spread, spread, rng);
      std::vector<uint8_t> labels;
      for (int64_t r = 0; r < rows; ++r) {
        labels.push_back(
            static_cast<uint8_t>(rng.Below(static_cast<uint64_t>(classes))));
      }
      auto want = reference::Softmax(logits, rows, classes);
      double want_loss = 0.0;
      int64_t want_correct = 0;
      for (int64_t r = 0; r < rows; ++r) {
        const float* row = logits.data() + r * classes;
        const int64_t highest = std::max_element(row, row + classes) - row;
        const int64_t label = labels[static_cast<size_t>(r)];
        want_correct += highest == label ? 1 : 0;
        // log(p) by way of the logits: p itself may be 0.
        double sum = 0.0;
        for (int64_t c = 0; c < classes; ++c) {
          sum += std::exp(double{row[c]} - row[highest]);
        }
        want_loss += std::log(sum) - (double{row[label]} - row[highest]);
      }

      GuardedFloats probabilities(rows * classes, 1);
      const BatchScore score = kernels->softmax_cross_entropy(
          logits.data(), labels.data(), rows, classes, probabilities.data());
      CHECK(score.finite);
      CHECK(score.correct == want_correct);
      CHECK(std::abs(score.loss_sum - want_loss) <=
            2e-6 * std::abs(want_loss) + 2e-6);
      // Rounding the difference of two logits is an error of the exponent.
      const double relative = 6e-7 + 6e-8 * std::min(2.0 * spread, 87.0);
      CHECK(AllNear(probabilities.values(), want, 2e-38, relative));

      for (int64_t r = 0; r < rows; ++r) {
        want[static_cast<size_t>(r * classes +
                                 labels[static_cast<size_t>(r)])] -= 1.0;
      }
      for (double& value : want) value /= static_cast<double>(rows);
      kernels->cross_entropy_grad(labels.data(), rows, classes,
                                  probabilities.data());
      CHECK(AllNear(probabilities.values(), want, 1e-7, relative));
      CHECK(probabilities.GuardsIntact());
    }
  }
}

TEST_CASE("ties are won by the first class, as Keras' argmax has it",
          "[kernels][loss]") {
  for (const Kernels* kernels : KernelsUpTo(ThisCpu().isa)) {
    const std::vector<float> logits = {1, 1, 0, 0, 2, 2};
    const std::vector<uint8_t> labels = {0, 2};
    std::vector<float> probabilities(6);
    const BatchScore score = kernels->softmax_cross_entropy(
        logits.data(), labels.data(), 2, 3, probabilities.data());
    CHECK(score.correct == 1);
  }
}

TEST_CASE("a logit that is not finite is noticed wherever it stands",
          "[kernels][loss]") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Kernels* kernels : KernelsUpTo(ThisCpu().isa)) {
    for (const float bad :
         {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
      for (size_t at = 0; at < 70; ++at) {
        std::vector<float> logits(70, 0.5f), probabilities(70);
        const std::vector<uint8_t> labels(7, 3);
        logits[at] = bad;
        const BatchScore score = kernels->softmax_cross_entropy(
            logits.data(), labels.data(), 7, 10, probabilities.data());
        REQUIRE_FALSE(score.finite);
        REQUIRE(std::isnan(score.loss_sum));
      }
    }
  }
}

// What the twin shows of the strongest kernels holds for all of them: every
// level gives what the baseline gives, but for the last digits.
TEST_CASE("every instruction set gives the baseline's images and columns",
          "[kernels][image]") {
  const int64_t channels = GENERATE(1, 3, 16, 17, 37, 64);
  const int64_t stride = GENERATE(1, 2, 3);
  const int64_t before = GENERATE(0, 1);
  const WindowGeometry window{.height = 7,
                              .width = 6,
                              .channels = channels,
                              .out_height = (7 + 2 * before - 3) / stride + 1,
                              .out_width = (6 + 2 * before - 3) / stride + 1,
                              .window_height = 3,
                              .window_width = 3,
                              .stride_height = stride,
                              .stride_width = stride,
                              .top = before,
                              .left = before};
  const int64_t in = 42 * channels;
  const int64_t out = window.out_height * window.out_width * channels;
  Rng rng(13, 0);
  const auto x = RandomFloats(static_cast<size_t>(in), -1, 1, rng);
  const auto dy = RandomFloats(static_cast<size_t>(out), -1, 1, rng);
  const auto kernel =
      RandomFloats(static_cast<size_t>(9 * channels), -1, 1, rng);
  const auto row = RandomFloats(static_cast<size_t>(channels), -1, 1, rng);
  const auto results = [&](const Kernels& kernels) {
    std::vector<GuardedFloats> all;
    const auto next = [&](int64_t count) {
      all.emplace_back(count, 1);
      std::ranges::fill(all.back().values(), 0.0f);
      return all.back().data();
    };
    all.reserve(16);
    std::vector<uint16_t> winner(static_cast<size_t>(out));
    float* pooled = next(out);
    kernels.max_pool(window, x.data(), pooled, winner.data());
    for (const auto mask : {PoolGradMask::kAll, PoolGradMask::kPositive}) {
      kernels.max_pool_grad(window, pooled, dy.data(), winner.data(), mask,
                            next(in));
    }
    kernels.average_pool(window, x.data(), next(out));
    kernels.average_pool_grad(window, dy.data(), next(in));
    kernels.affine(x.data(), {.scale = row.data(), .offset = kernel.data()}, 42,
                   channels, next(in));
    float* sums = next(channels);
    kernels.shifted_moments(x.data(), row.data(), 42, channels, sums,
                            next(channels));
    sums = next(channels);
    kernels.gradient_moments(x.data(), x.data(), row.data(), nullptr, 42,
                             channels, sums, next(channels));
    kernels.normalization_grad(x.data(), x.data(), row.data(), kernel.data(),
                               row.data(), nullptr, 42, channels, next(in));
    kernels.dropout(x.data(), 99, 5, in, 1u << 30, 2.0f, next(in));
    return all;
  };
  const auto tables = KernelsUpTo(ThisCpu().isa);
  auto want = results(*tables.front());
  for (const Kernels* kernels : tables) {
    auto got = results(*kernels);
    REQUIRE(got.size() == want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      INFO(IsaName(kernels->isa) << ", result " << i);
      CHECK(AllNear(got[i].values(), ToDouble(want[i].values()), 1e-5, 1e-5));
      CHECK(got[i].GuardsIntact());
    }
  }
}

TEST_CASE("dropout keeps what its hash keeps, wherever a thread begins",
          "[kernels][dropout]") {
  const std::vector<float> x(100, 1.0f);
  for (const Kernels* kernels : KernelsUpTo(ThisCpu().isa)) {
    std::vector<float> whole(100), parts(100);
    kernels->dropout(x.data(), 7, 0, 100, 1u << 31, 2.0f, whole.data());
    kernels->dropout(x.data(), 7, 0, 33, 1u << 31, 2.0f, parts.data());
    kernels->dropout(x.data() + 33, 7, 33, 67, 1u << 31, 2.0f,
                     parts.data() + 33);
    CHECK(whole == parts);
    for (size_t i = 0; i < 100; ++i) {
      CHECK(whole[i] ==
            (Keeps(7, static_cast<int64_t>(i), 1u << 31) ? 2.0f : 0.0f));
    }
  }
}

TEST_CASE("denormals are flushed within the scope and kept outside",
          "[kernels]") {
  volatile float tiny = 1e-40f;
  volatile float one = 1.0f;
  CHECK(tiny * one != 0.0f);
  {
    const ScopedFlushDenormals flush;
    CHECK(tiny * one == 0.0f);
  }
  CHECK(tiny * one != 0.0f);
}

}  // namespace
}  // namespace batchsweep
