#include "model/initializers.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "tests/fixtures.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

using Kind = Initializer::Kind;

// 200,000 values: their mean strays by about 0.002 deviations.
const Shape kLarge = {{500, 400}};

std::vector<float> DrawOne(Kind kind, const Shape& shape, uint64_t seed = 7) {
  return DrawWeights({{"w", shape, {.kind = kind}}}, seed).at(0).values;
}

double Mean(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double Deviation(const std::vector<float>& values) {
  const double mean = Mean(values);
  double sum = 0.0;
  for (const float value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double LargestMagnitude(const std::vector<float>& values) {
  double largest = 0.0;
  for (const float value : values) {
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  return largest;
}

bool Near(double value, double expected, double tolerance) {
  UNSCOPED_INFO(value << " against " << expected);
  return std::abs(value - expected) <= tolerance;
}

void CheckUniform(Kind kind, double limit) {
  const std::vector<float> values = DrawOne(kind, kLarge);
  const double deviation = limit / std::sqrt(3.0);
  CHECK(Near(Mean(values), 0.0, 0.01 * deviation));
  CHECK(Near(Deviation(values), deviation, 0.01 * deviation));
  CHECK(LargestMagnitude(values) <= limit * (1.0 + 1e-6));
  CHECK(LargestMagnitude(values) > 0.999 * limit);
}

void CheckNormal(Kind kind, double deviation) {
  const std::vector<float> values = DrawOne(kind, kLarge);
  CHECK(Near(Mean(values), 0.0, 0.01 * deviation));
  CHECK(Near(Deviation(values), deviation, 0.01 * deviation));
  const double limit = 2.0 * deviation / 0.87962566;
  CHECK(LargestMagnitude(values) <= limit * (1.0 + 1e-6));
  CHECK(LargestMagnitude(values) > 0.999 * limit);
  // A normal cut off at 2 has 71.5 % within one deviation of the uncut one; a
  // uniform of that width would have half.
  const auto inside = std::ranges::count_if(
      values, [&](float v) { return std::abs(v) < deviation / 0.87962566; });
  CHECK(Near(static_cast<double>(inside) / static_cast<double>(values.size()),
             0.6827 / 0.9545, 0.005));
}

TEST_CASE("constants fill the whole tensor", "[initializers]") {
  CHECK(std::ranges::all_of(DrawOne(Kind::kZeros, kLarge),
                            [](float v) { return v == 0.0f; }));
  CHECK(std::ranges::all_of(DrawOne(Kind::kOnes, kLarge),
                            [](float v) { return v == 1.0f; }));
  const auto drawn =
      DrawWeights({{"w", {{3}}, {.kind = Kind::kConstant, .value = 0.1f}}}, 7);
  CHECK(drawn.at(0).values == std::vector<float>(3, 0.1f));
}

TEST_CASE("uniform draws have the bounds and moments of their formulas",
          "[initializers]") {
  CheckUniform(Kind::kGlorotUniform, std::sqrt(6.0 / (500 + 400)));
  CheckUniform(Kind::kHeUniform, std::sqrt(6.0 / 500));
  CheckUniform(Kind::kLecunUniform, std::sqrt(3.0 / 500));
}

TEST_CASE("truncated normals have their deviation and end at two of them",
          "[initializers]") {
  CheckNormal(Kind::kGlorotNormal, std::sqrt(2.0 / (500 + 400)));
  CheckNormal(Kind::kHeNormal, std::sqrt(2.0 / 500));
  CheckNormal(Kind::kLecunNormal, std::sqrt(1.0 / 500));
}

TEST_CASE("draws of a told range keep to it", "[initializers]") {
  const auto draw = [](const Initializer& initializer) {
    return DrawWeights({{"w", kLarge, initializer}}, 7).at(0).values;
  };
  const auto uniform =
      draw({.kind = Kind::kRandomUniform, .low = 1.0f, .high = 3.0f});
  CHECK(Near(Mean(uniform), 2.0, 0.01));
  CHECK(Near(std::ranges::min(uniform), 1.0, 1e-3));
  CHECK(Near(std::ranges::max(uniform), 3.0, 1e-3));

  const auto normal =
      draw({.kind = Kind::kRandomNormal, .mean = 1.0f, .deviation = 0.5f});
  CHECK(Near(Mean(normal), 1.0, 0.005));
  CHECK(Near(Deviation(normal), 0.5, 0.005));
  CHECK(std::ranges::max(normal) > 1.0 + 3.0 * 0.5);

  // Here Keras does not widen what it cuts off.
  const auto cut =
      draw({.kind = Kind::kTruncatedNormal, .mean = 1.0f, .deviation = 0.5f});
  CHECK(Near(Mean(cut), 1.0, 0.005));
  CHECK(Near(Deviation(cut), 0.5 * 0.87962566, 0.005));
  CHECK(Near(std::ranges::max(cut), 2.0, 1e-3));
}

TEST_CASE("fans count a vector's length and a kernel's receptive field",
          "[initializers]") {
  // The largest of many uniform draws shows the limit.
  CHECK(Near(LargestMagnitude(DrawOne(Kind::kHeUniform, {{10000}})),
             std::sqrt(6.0 / 10000), 1e-4));
  CHECK(Near(LargestMagnitude(DrawOne(Kind::kGlorotUniform, {{10000}})),
             std::sqrt(6.0 / 20000), 1e-4));
  CHECK(Near(LargestMagnitude(DrawOne(Kind::kHeUniform, {{3, 3, 32, 64}})),
             std::sqrt(6.0 / (9 * 32)), 1e-4));
  CHECK(Near(LargestMagnitude(DrawOne(Kind::kGlorotUniform, {{3, 3, 32, 64}})),
             std::sqrt(6.0 / (9 * 32 + 9 * 64)), 1e-4));
  // Depthwise kernels too, though each of their outputs reads one channel.
  CHECK(Near(LargestMagnitude(DrawOne(Kind::kGlorotUniform, {{3, 3, 4096, 1}})),
             std::sqrt(6.0 / (9 * 4096 + 9)), 1e-4));
}

TEST_CASE("batch normalisation's first values draw nothing", "[initializers]") {
  const ParamSpec kernel = {"k", {{3, 3}}, {Kind::kGlorotUniform}};
  const ParamSpec mean = {.name = "n/moving_mean",
                          .shape = {{3}},
                          .initializer = {Kind::kZeros},
                          .trainable = false};
  const ParamSpec variance = {.name = "n/moving_variance",
                              .shape = {{3}},
                              .initializer = {Kind::kOnes},
                              .trainable = false};
  const auto drawn = DrawWeights({mean, variance, kernel}, 7);
  CHECK(drawn.at(0).values == std::vector<float>(3, 0.0f));
  CHECK(drawn.at(1).values == std::vector<float>(3, 1.0f));
  CHECK(drawn.at(2).values == DrawWeights({kernel}, 7).at(0).values);
}

TEST_CASE("a seed gives the same bits again and another seed others",
          "[initializers]") {
  for (const Kind kind : {Kind::kGlorotUniform, Kind::kHeNormal}) {
    CHECK(DrawOne(kind, kLarge, 1) == DrawOne(kind, kLarge, 1));
    CHECK(DrawOne(kind, kLarge, 1) != DrawOne(kind, kLarge, 2));
  }
}

TEST_CASE("the first draws of a seed are these on every target",
          "[initializers]") {
  // From a Python MT19937-64; the limit of this shape is 1.
  const std::vector<float> values = DrawOne(Kind::kGlorotUniform, {{3, 3}}, 0);
  CHECK(values[0] == 0x1.9ef2442e64fb0p-2f);
  CHECK(values[1] == 0x1.080aab7e77160p-4f);
  CHECK(values[2] == 0x1.e25e140a73e8ep-1f);
}

TEST_CASE("a tensor's values do not depend on those behind it",
          "[initializers]") {
  const ParamSpec kernel = {"a", {{20, 30}}, {Kind::kGlorotUniform}};
  const ParamSpec bias = {"b", {{30}}, {Kind::kZeros}};
  const ParamSpec other = {"c", {{30, 10}}, {Kind::kHeNormal}};
  const auto alone = DrawWeights({kernel}, 5);
  const auto all = DrawWeights({kernel, bias, other}, 5);
  REQUIRE(all.size() == 3);
  CHECK(all[0].name == "a");
  CHECK(all[1].name == "b");
  CHECK(all[2].name == "c");
  CHECK(all[2].shape == Shape{{30, 10}});
  CHECK(all[0].values == alone[0].values);
  // Constants draw nothing.
  CHECK(all[2].values == DrawWeights({kernel, other}, 5).at(1).values);
}

TEST_CASE("weights are read in the model's order", "[initializers]") {
  const TempDir dir;
  const auto path = dir.path() / "w.safetensors";
  REQUIRE(WriteTensors(
      path, {{"d/bias", {{2}}, {5, 6}}, {"d/kernel", {{1, 2}}, {7, 8}}}));
  const auto read =
      ReadWeights({{"d/kernel", {{1, 2}}, {}}, {"d/bias", {{2}}, {}}}, path);
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].name == "d/kernel");
  CHECK((*read)[0].values == std::vector<float>{7, 8});
  CHECK((*read)[1].values == std::vector<float>{5, 6});
}

TEST_CASE("weights of another model are refused by tensor", "[initializers]") {
  const TempDir dir;
  const auto path = dir.path() / "w.safetensors";
  REQUIRE(WriteTensors(path, {{"d/kernel", {{1, 2}}, {7, 8}}}));
  const auto refusal = [&](const std::vector<ParamSpec>& params) {
    const auto read = ReadWeights(params, path);
    REQUIRE(!read);
    CHECK(read.error().message.starts_with(path.string()));
    return read.error().message;
  };
  const std::string missing =
      refusal({{"d/kernel", {{1, 2}}, {}}, {"d/bias", {{2}}, {}}});
  CHECK(missing.contains("no tensor \"d/bias\""));
  const std::string shape = refusal({{"d/kernel", {{2, 1}}, {}}});
  CHECK(shape.contains("\"d/kernel\" has shape 1x2, expected 2x1"));
  CHECK(refusal({}).contains("\"d/kernel\" is not in the model"));
}

}  // namespace
}  // namespace batchsweep
