// The zoo's networks, step by step, against the float64 curves of
// tools/compare/make_curves.py, whose inputs and first weights are made here
// once more.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <format>
#include <fstream>
#include <sstream>

#include "graph/kernel_chooser.h"
#include "graph/network.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "tests/fixtures.h"
#include "tests/paths.h"
#include "train/step.h"

namespace batchsweep {
namespace {

// A multiple of 2^-24 in [0, 1).
double Value(uint64_t stream, uint64_t i) {
  uint64_t x = (stream << 32) + i;
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  return static_cast<double>(x >> 40) / 0x1p24;
}

std::vector<NamedTensor> FirstWeights(const ModelSpec& model) {
  std::vector<NamedTensor> weights;
  for (const ParamSpec& param : ModelParams(model)) {
    const auto count = static_cast<size_t>(param.shape.elements());
    std::vector<float> values(count, 0.0f);
    const std::vector<int64_t>& dims = param.shape.dims;
    if (param.name.ends_with("kernel")) {
      const auto field = static_cast<double>(
          param.shape.elements() / (dims[dims.size() - 2] * dims.back()));
      const double fans = field * static_cast<double>(dims[dims.size() - 2]) +
                          field * static_cast<double>(dims.back());
      for (size_t i = 0; i < count; ++i) {
        values[i] = static_cast<float>(
            (2 * Value(100 + weights.size(), i) - 1) * std::sqrt(6 / fans));
      }
    } else if (param.name.ends_with("gamma") ||
               param.name.ends_with("variance")) {
      std::ranges::fill(values, 1.0f);
    }
    weights.push_back({param.name, param.shape, std::move(values)});
  }
  return weights;
}

struct CurveStep {
  double total_loss = 0.0;
  double float32_deviation = 0.0;
};

// step,loss,total_loss,accuracy,float32_deviation under a header line; the
// accuracy may be empty.
std::vector<CurveStep> ReadCurve(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::vector<CurveStep> curve;
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::string cell[5];
    for (std::string& text : cell) std::getline(cells, text, ',');
    curve.push_back({.total_loss = std::stod(cell[2]),
                     .float32_deviation = std::stod(cell[4])});
  }
  return curve;
}

void LoadExamples(int64_t first, int64_t classes, Network& network) {
  const auto size = static_cast<uint64_t>(network.input_size());
  float* input = network.input();
  for (int64_t i = 0; i < network.batch(); ++i) {
    const auto example = static_cast<uint64_t>(first + i);
    const uint64_t label = example % static_cast<uint64_t>(classes);
    for (uint64_t j = 0; j < size; ++j) {
      const double mixed =
          0.5 * Value(1, example * size + j) + 0.5 * Value(2, label * size + j);
      *input++ = static_cast<float>(std::floor(256 * mixed)) / 255.0f;
    }
    network.labels()[i] = static_cast<uint8_t>(label);
  }
  if (network.loss() == Loss::kMeanSquaredError) {
    std::copy_n(network.input(), network.batch() * network.output_size(),
                network.targets());
  }
}

struct ZooCurve {
  const char* model;
  int64_t batch_size;
  int64_t emulated_steps;
};

TEST_CASE("the zoo's networks follow their float64 curves",
          "[curves][reference]") {
  const ZooCurve zoo =
      GENERATE(ZooCurve{"cnn", 8, 16}, ZooCurve{"lenet5", 8, 16},
               ZooCurve{"autoencoder", 8, 8}, ZooCurve{"resnet8", 8, 2},
               ZooCurve{"ds-cnn", 8, 2}, ZooCurve{"mobilenet-v1-025", 4, 1});
  const bool sgd = GENERATE(false, true);
  const Library library = GENERATE(Library::kXnnpack, Library::kOwn);
  const auto curve = ReadCurve(TestData() / "curves" /
                               std::format("{}_b{}{}.csv", zoo.model,
                                           zoo.batch_size, sgd ? "_sgd" : ""));
  REQUIRE(curve.size() == 64);
  ModelSpec model =
      ParseKerasJson(FindZooModel(zoo.model)->json, zoo.model).value();
  for (LayerSpec& layer : model.layers) {
    if (auto* dropout = std::get_if<DropoutSpec>(&layer)) dropout->rate = 0;
  }
  OptimizerConfig optimizer = MakeOptimizer(sgd ? "sgd" : "adam").value();
  const bool mobilenet = std::string(zoo.model) == "mobilenet-v1-025";
  if (sgd) optimizer.learning_rate = mobilenet ? 1e-5f : 0.01f;
  const bool reconstructs = std::string(zoo.model) == "autoencoder";

  TestEngine engine;
  PreferredKernels chooser(library);
  ComputeContext context = engine.context();
  context.chooser = &chooser;
  Network network =
      Network::Allocate(
          PlanNetwork(
              model,
              {.max_batch = zoo.batch_size,
               .optimizer_slots = OptimizerSlots(optimizer),
               .loss = reconstructs ? Loss::kMeanSquaredError
                                    : Loss::kSparseCategoricalCrossentropy},
              context)
              .value())
          .value();
  network.SetWeights(FirstWeights(model));
  const int64_t classes = reconstructs ? 10 : network.output_size();
  const auto steps = BATCHSWEEP_TEST_EMULATED
                         ? zoo.emulated_steps
                         : static_cast<int64_t>(curve.size());
  for (int64_t step = 0; step < steps; ++step) {
    const CurveStep& want = curve[static_cast<size_t>(step)];
    // Normalisation over small batches magnifies the last digit: what four
    // float32 runs strayed by, some times over, is all that can be asked.
    const double tolerance = 1e-5 + 8 * want.float32_deviation;
    // Beyond this nothing is compared any more.
    if (tolerance > 0.1) break;
    LoadExamples(step * zoo.batch_size, classes, network);
    network.Forward({.training = true, .step = step});
    const double loss =
        network.ScoreOutputs().loss_sum / static_cast<double>(zoo.batch_size);
    INFO(zoo.model << (sgd ? " by SGD" : " by Adam") << ", step " << step + 1
                   << ", computed by " << NameOf(library));
    CHECK(std::abs(loss - want.total_loss) < tolerance);
    network.Backward();
    OptimizerStep(optimizer, step + 1, *engine.context().kernels,
                  *engine.context().pool, TrainedTensors(network));
    network.WeightsChanged();
  }
}

}  // namespace
}  // namespace batchsweep
