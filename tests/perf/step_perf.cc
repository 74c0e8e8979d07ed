// batchsweep_perf: where the time of a training step goes. It times what the
// program runs: the phases of TrainStep(), and the layers of the same network.
// It is built with the tests but is none of them; run it on an idle machine.
#include <algorithm>
#include <array>
#include <cstdio>
#include <format>
#include <print>
#include <string>
#include <string_view>
#include <vector>

#include "data/synthetic.h"
#include "graph/layer_times.h"
#include "measure/phase_clock.h"
#include "measure/roofline.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "record/summary_table.h"
#include "sweep/kernel_choices.h"
#include "tests/fixtures.h"
#include "train/step.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

constexpr std::string_view kUsage =
    R"(Usage: batchsweep_perf [MODEL]

Times training steps of a model of the zoo (mlp, unless named) on one thread, at
batch sizes 8, 32 and 128, with Adam and made-up data, and prints
  - the median of each phase of a step: load, forward, backward, update;
  - for each layer the fastest of several runs forward and backward, and of
    rewriting its packed weights.
Models: )";

constexpr std::array<int64_t, 3> kBatchSizes = {8, 32, 128};
constexpr int64_t kExamples = 4096;

// Enough steps for a median, and no more than a few seconds of the largest.
constexpr int64_t kSteps = 200;
constexpr int64_t kLeastSteps = 5;
constexpr int64_t kEnoughNs = 3'000'000'000;

std::string Microseconds(int64_t ns) {
  return std::format("{:.1f}", static_cast<double>(ns) / 1e3);
}

int64_t Median(std::vector<int64_t> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// A model with data that it can learn and, for each batch size, a network.
class Bench {
 public:
  explicit Bench(const ZooModel& zoo)
      : model_(ParseKerasJson(zoo.json, zoo.name).value()),
        // What gives back as many values as it takes is trained to give back
        // its input.
        reconstructs_(LayerOutputShapes(model_).back().elements() ==
                      model_.input_shape.elements()),
        source_(MakeSynthetic({.example_shape = model_.input_shape,
                               .class_count = Classes(),
                               .train_size = kExamples,
                               .test_size = 1,
                               .reconstruct = reconstructs_})) {}

  ComputeContext context() { return engine_.context(); }

  // Finds out who computes fastest, as a run does, and keeps to it.
  void ChooseKernels() {
    const SweepConfig config = {
        .model = model_,
        .batch_sizes = {kBatchSizes.begin(), kBatchSizes.end()}};
    const auto records = batchsweep::ChooseKernels(config, *context().kernels,
                                                   {}, LoneBodies::kSkip);
    choices_ = ChoicesOf(records.value()).value();
  }
  int64_t weights() const { return CountWeights(model_); }

  Network NewNetwork(int64_t batch) {
    auto chooser = ChooserFor(choices_, batch, /*threads=*/1);
    ComputeContext chosen = context();
    if (chooser) chosen.chooser = &*chooser;
    return MakeNetwork(
        model_,
        {.max_batch = batch,
         .optimizer_slots = 2,
         .loss = reconstructs_ ? Loss::kMeanSquaredError
                               : Loss::kSparseCategoricalCrossentropy},
        chosen);
  }

  StepContext Step(Network& network) {
    return {.dataset = source_.train,
            .optimizer = optimizer_,
            .kernels = *context().kernels,
            .pools = {.load = context().pool, .update = context().pool},
            .network = network};
  }

 private:
  int64_t Classes() const {
    return reconstructs_ ? 2 : LayerOutputShapes(model_).back().elements();
  }
  static int64_t CountWeights(const ModelSpec& model) {
    int64_t weights = 0;
    for (const ParamSpec& param : ModelParams(model)) {
      if (param.trainable) weights += param.shape.elements();
    }
    return weights;
  }

  const ModelSpec model_;
  const bool reconstructs_;
  const DataSource source_;
  const OptimizerConfig optimizer_;
  TestEngine engine_;
  std::vector<NetworkChoices> choices_;
};

// One column of the table of phases: the medians, and that of whole steps.
std::vector<int64_t> PhaseMedians(const StepContext& context) {
  std::array<std::vector<int64_t>, kPhases.size()> phases;
  std::vector<int64_t> steps;
  Rng rng(1, 0);
  std::vector<uint32_t> rows(static_cast<size_t>(context.network.batch()));
  int64_t all_ns = 0;
  for (int64_t step = 1; step <= kSteps; ++step) {
    for (uint32_t& row : rows) {
      row = static_cast<uint32_t>(rng.Below(kExamples));
    }
    PhaseClock clock(nullptr);
    int64_t step_ns = 0;
    TrainStep(context, rows, step, [&](Phase phase) {
      const int64_t lap_ns = clock.Lap();
      phases[static_cast<size_t>(phase)].push_back(lap_ns);
      step_ns += lap_ns;
    });
    steps.push_back(step_ns);
    all_ns += step_ns;
    if (step >= kLeastSteps && all_ns > kEnoughNs) break;
  }
  std::vector<int64_t> medians;
  for (auto& phase : phases) medians.push_back(Median(std::move(phase)));
  medians.push_back(Median(std::move(steps)));
  return medians;
}

void PrintPhases(Bench& bench) {
  std::vector<std::vector<std::string>> rows = {{"us, median"}};
  for (const char* phase : kPhases) rows.push_back({phase});
  rows.push_back({"step"});
  for (const int64_t batch : kBatchSizes) {
    Network network = bench.NewNetwork(batch);
    const auto medians = PhaseMedians(bench.Step(network));
    rows[0].push_back(std::format("B={}", batch));
    for (size_t i = 0; i < medians.size(); ++i) {
      rows[i + 1].push_back(Microseconds(medians[i]));
    }
  }
  std::println("{}", AlignedTable(rows));
}

void PrintLayers(Bench& bench) {
  std::vector<std::vector<std::string>> rows = {{"us, fastest"}};
  for (const int64_t batch : kBatchSizes) {
    Network network = bench.NewNetwork(batch);
    // A step fills the tensors; no kernel's time depends on their values.
    const std::vector<uint32_t> examples(static_cast<size_t>(batch), 0);
    TrainStep(bench.Step(network), examples, 1);
    const auto layers = TimeLayers(network, batch > 32 ? 7 : 21);
    rows[0].insert(rows[0].end(), {std::format("B={}: forward", batch),
                                   "backward", "packing"});
    rows.resize(layers.size() + 1);
    for (size_t i = 0; i < layers.size(); ++i) {
      if (rows[i + 1].empty()) rows[i + 1].push_back(layers[i].name);
      rows[i + 1].insert(rows[i + 1].end(),
                         {Microseconds(layers[i].forward_ns),
                          Microseconds(layers[i].backward_ns),
                          Microseconds(layers[i].refresh_ns)});
    }
  }
  std::println("{}", AlignedTable(rows));
}

void PrintUsage(std::FILE* file) {
  std::print(file, "{}", kUsage);
  for (const ZooModel& model : ZooModels()) std::print(file, "{} ", model.name);
  std::println(file, "");
}

int Main(int argc, char** argv) {
  const std::string_view argument = argc > 1 ? argv[1] : "mlp";
  if (argument == "-h" || argument == "--help") {
    PrintUsage(stdout);
    return 0;
  }
  const auto zoo = FindZooModel(argument);
  if (argc > 2 || !zoo) {
    std::println(stderr,
                 "batchsweep_perf: expected at most one name of a zoo model, "
                 "got \"{}\"; --help names them",
                 argc > 2 ? argv[2] : argument);
    return 1;
  }
  Bench bench(*zoo);
  const MachineLimits limits =
      MeasureLimits(static_cast<size_t>(bench.weights()), bench.context());
  std::println("{}: {} kernels, 1 thread; matrix products {:.0f} GF/s\n",
               zoo->name, IsaName(bench.context().kernels->isa),
               limits.matmul_flops_per_second / 1e9);
  bench.ChooseKernels();
  PrintPhases(bench);
  PrintLayers(bench);
  return 0;
}

}  // namespace
}  // namespace batchsweep

int main(int argc, char** argv) { return batchsweep::Main(argc, argv); }
