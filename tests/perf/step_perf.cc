// Where the time of a step of `mlp` goes, and what measuring it costs. Built
// with the tests but not one of them: run it on an idle machine.
//
//   build/x86-64/tests/batchsweep_perf            operations and cost of
//   measuring build/x86-64/tests/batchsweep_perf resnet8    a zoo model, layer
//   by layer
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <format>
#include <functional>
#include <print>
#include <vector>

#include "data/synthetic.h"
#include "graph/layer_threads.h"
#include "graph/layer_times.h"
#include "measure/roofline.h"
#include "model/initializers.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "platform/clock.h"
#include "record/recorder.h"
#include "record/summary_table.h"
#include "tests/fixtures.h"
#include "tests/temp_dir.h"
#include "train/evaluate.h"
#include "train/step.h"
#include "train/trainer.h"
#include "util/rng.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

constexpr int64_t kIn = 784, kHidden = 64, kClasses = 10;
constexpr int kBlocks = 21;

// Median over blocks of the mean time of a call, in microseconds.
double MedianUs(const std::function<void()>& call) {
  // A block of 2 ms is long beside the clock and short beside a time slice.
  const int64_t probe_ns = MonotonicNs();
  for (int i = 0; i < 3; ++i) call();
  const int64_t once_ns = (MonotonicNs() - probe_ns) / 3 + 1;
  const int64_t calls = std::max<int64_t>(1, 2'000'000 / once_ns);
  std::vector<double> blocks;
  for (int block = 0; block < kBlocks; ++block) {
    const int64_t start_ns = MonotonicNs();
    for (int64_t i = 0; i < calls; ++i) call();
    blocks.push_back(static_cast<double>(MonotonicNs() - start_ns) /
                     static_cast<double>(calls) / 1e3);
  }
  std::ranges::nth_element(blocks, blocks.begin() + kBlocks / 2);
  return blocks[kBlocks / 2];
}

std::vector<float> Floats(int64_t count) {
  Rng rng(1, 0);
  // With the slack that operators may read.
  std::vector<float> values(static_cast<size_t>(count) + 16);
  for (float& value : values) value = static_cast<float>(rng.Uniform()) - 0.5f;
  return values;
}

double MatMulUs(int64_t m, int64_t k, int64_t n, bool transpose_b,
                ThreadPool& pool) {
  auto op = xnn::MatMul::Create({.transpose_b = transpose_b}).value();
  const int64_t bytes = op.Reshape(m, k, n, pool).value();
  const AlignedBlock workspace = AllocateAligned(bytes).value();
  auto a = Floats(m * k), b = Floats(k * n), c = Floats(m * n);
  op.Bind(workspace.get(), a.data(), b.data(), c.data()).value();
  return MedianUs([&] { op.Run(pool); });
}

double TransposeUs(int64_t rows, int64_t columns, ThreadPool& pool) {
  auto op = xnn::Transpose::Create().value();
  auto x = Floats(rows * columns), y = Floats(rows * columns);
  op.Reshape(rows, columns, pool).value();
  op.Bind(x.data(), y.data()).value();
  return MedianUs([&] { op.Run(pool); });
}

struct Bench {
  DataSource source = MakeSynthetic({.example_shape = {{28, 28, 1}},
                                     .class_count = 10,
                                     .train_size = 55'000,
                                     .test_size = 100});
  TrainingData data = Parts(source, 55'000, 100);
  ModelSpec model = DenseModel(
      kIn, {{.units = kHidden, .activation = Activation::kRelu},
            {.units = kClasses, .activation = Activation::kSoftmax}});
  TestEngine engine;

  Network NewNetwork(int64_t batch) {
    return MakeNetwork(model, {.max_batch = batch, .optimizer_slots = 2},
                       engine.context());
  }
};

// The operations of a step one by one, each with its data in the cache.
void PrintOperations(Bench& bench) {
  const ComputeContext context = bench.engine.context();
  ThreadPool& pool = *context.pool;
  std::vector<std::vector<std::string>> rows = {{"us, each alone"},
                                                {"dense 784-64 forward"},
                                                {"dense 64-10 forward"},
                                                {"softmax and loss"},
                                                {"dW 64x10"},
                                                {"dX 64"},
                                                {"x transposed"},
                                                {"dW 784x64"},
                                                {"bias and relu gradients"},
                                                {"Adam"},
                                                {"sum"}};
  for (const int64_t batch : {8, 32, 128}) {
    Network network = bench.NewNetwork(batch);
    auto hidden = Floats(batch * kHidden), bias = Floats(kHidden),
         gradient = Floats(batch * kHidden), sums = Floats(kHidden);
    const Kernels& kernels = *context.kernels;
    int64_t step = 0;
    const std::vector<double> times = {
        MatMulUs(batch, kIn, kHidden, false, pool) + MedianUs([&] {
          kernels.add_bias_relu(bias.data(), batch, kHidden, hidden.data());
        }),
        MatMulUs(batch, kHidden, kClasses, false, pool),
        MedianUs([&] { network.ScoreOutputs(); }),
        MatMulUs(kHidden, batch, kClasses, false, pool) +
            TransposeUs(batch, kHidden, pool),
        MatMulUs(batch, kClasses, kHidden, true, pool),
        TransposeUs(batch, kIn, pool),
        MatMulUs(kIn, batch, kHidden, false, pool),
        MedianUs([&] {
          kernels.relu_grad(hidden.data(), gradient.data(), batch * kHidden,
                            gradient.data());
          kernels.column_sums(gradient.data(), batch, kHidden, sums.data());
        }),
        MedianUs([&] {
          OptimizerStep({}, ++step, kernels, pool, TrainedTensors(network));
          network.WeightsChanged();
        })};
    rows[0].push_back(std::format("B={}", batch));
    double sum = 0.0;
    for (size_t i = 0; i < times.size(); ++i) {
      rows[i + 1].push_back(std::format("{:.1f}", times[i]));
      sum += times[i];
    }
    rows.back().push_back(std::format("{:.1f}", sum));
  }
  std::println("{}", AlignedTable(rows));
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// The phases of a step, as a run reports them.
void PrintSteps(Bench& bench) {
  std::vector<std::vector<std::string>> rows = {
      {"us a step"}, {"load"}, {"forward"}, {"backward"}, {"update"}, {"step"}};
  for (const int64_t batch : {8, 32, 128}) {
    Network network = bench.NewNetwork(batch);
    Trainer trainer(bench.data,
                    {.batch_size = batch, .budget = {.epochs = 1000}},
                    bench.engine.context(), nullptr, network);
    std::vector<double> phases[5];
    for (int turn = 0; turn < 9; ++turn) {
      trainer.TrainEpoch({}).value();
      for (const StepMeasurement& step : trainer.measurements()) {
        const int64_t times[] = {
            step.time_ns(Phase::kLoad), step.time_ns(Phase::kForward),
            step.time_ns(Phase::kBackward), step.time_ns(Phase::kUpdate),
            step.step_time_ns()};
        for (size_t i = 0; i < 5; ++i) {
          phases[i].push_back(static_cast<double>(times[i]) / 1e3);
        }
      }
      trainer.FinishEpoch().value();
    }
    rows[0].push_back(std::format("B={}", batch));
    for (size_t i = 0; i < 5; ++i) {
      rows[i + 1].push_back(std::format("{:.1f}", Median(phases[i])));
    }
  }
  std::println("{}", AlignedTable(rows));
}

// Where the time of a network goes, layer by layer.
void PrintLayers(Bench& bench, std::string_view name) {
  const ModelSpec model =
      ParseKerasJson(FindZooModel(name)->json, name).value();
  const Shape& input = model.input_shape;
  const bool classifies = name != "autoencoder";
  std::vector<std::vector<std::string>> rows = {{"us"}};
  for (const int64_t batch : {8, 32, 128}) {
    Network network =
        MakeNetwork(model,
                    {.max_batch = batch,
                     .optimizer_slots = 2,
                     .loss = classifies ? Loss::kSparseCategoricalCrossentropy
                                        : Loss::kMeanSquaredError},
                    bench.engine.context());
    ChooseLayerThreads(network).value();
    network.SetWeights(DrawWeights(ModelParams(model), 1));
    const auto x = Floats(batch * input.elements());
    std::copy_n(x.begin(), batch * input.elements(), network.input());
    const auto layers = TimeLayers(network, batch > 32 ? 7 : 21);
    const double update_us = MedianUs([&] {
      OptimizerStep({}, 1, *bench.engine.context().kernels,
                    *bench.engine.context().pool, TrainedTensors(network));
      network.WeightsChanged();
    });
    rows[0].insert(rows[0].end(), {std::format("B={}: forward", batch),
                                   "backward", "packing"});
    rows.resize(layers.size() + 2);
    const auto us = [](int64_t ns) {
      return std::format("{:.1f}", static_cast<double>(ns) / 1e3);
    };
    for (size_t i = 0; i < layers.size(); ++i) {
      auto& row = rows[i + 1];
      if (row.empty()) row.push_back(layers[i].name);
      row.insert(row.end(),
                 {us(layers[i].forward_ns), us(layers[i].backward_ns),
                  us(layers[i].refresh_ns)});
    }
    auto& update = rows.back();
    if (update.empty()) update.push_back("update, packing included");
    update.insert(update.end(), {"", "", std::format("{:.1f}", update_us)});
  }
  std::println("{}, best of several steps\n\n{}", name, AlignedTable(rows));
}

}  // namespace
}  // namespace batchsweep

// Without arguments the step of `mlp`; with a zoo model's name, its layers.
int main(int argc, char** argv) {
  batchsweep::Bench bench;
  const auto limits = batchsweep::MeasureLimits(50'890, bench.engine.context());
  std::println("{}, 1 thread; matrix products {:.0f} GF/s\n",
               batchsweep::IsaName(bench.engine.context().kernels->isa),
               limits.matmul_flops_per_second / 1e9);
  if (argc > 1) {
    batchsweep::PrintLayers(bench, argv[1]);
    return 0;
  }
  batchsweep::PrintOperations(bench);
  batchsweep::PrintSteps(bench);
}
