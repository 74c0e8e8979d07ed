// Every network of the zoo trains, on made-up data of its shape.
#include "model/zoo.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "model/keras_json.h"
#include "tests/counters.h"
#include "tests/fixtures.h"
#include "train/trainer.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

// The mean loss of the last tenth of the steps over that of the first.
double LossRatio(std::span<const float> losses) {
  const size_t tenth = losses.size() / 10;
  double first = 0.0, last = 0.0;
  for (size_t i = 0; i < tenth; ++i) {
    first += static_cast<double>(losses[i]);
    last += static_cast<double>(losses[losses.size() - 1 - i]);
  }
  return last / first;
}

// Classes as clear as those of photographs: a pattern of 4 x 4 blocks each,
// under noise of the same strength.
Dataset Patterns(const Shape& shape, int64_t classes, int64_t size,
                 uint64_t stream) {
  const int64_t values = shape.elements();
  const int64_t channels = shape.dims.size() == 3 ? shape.dims[2] : 1;
  const int64_t width = shape.dims.size() == 1 ? values : shape.dims[1];
  std::vector<uint8_t> images, labels;
  Rng noise(1, stream);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t label = i % classes;
    labels.push_back(static_cast<uint8_t>(label));
    for (int64_t j = 0; j < values; ++j) {
      const int64_t pixel = j / channels;
      const int64_t block = (pixel / width / 4 * width + pixel % width / 4);
      // A hash of class, block and channel decides whether it is bright.
      const uint64_t bits =
          static_cast<uint64_t>((label * 7919 + block) * 31 + j % channels + 1);
      const bool bright = (bits * 0x9e3779b97f4a7c15) >> 63;
      images.push_back(
          static_cast<uint8_t>((bright ? 128 : 0) + noise.Below(128)));
    }
  }
  return {.example_shape = shape,
          .class_count = classes,
          .images = std::move(images),
          .labels = std::move(labels)};
}

struct ZooRun {
  ModelSpec model;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  DataSource source;

  ZooRun(std::string_view name, int64_t train_size, int64_t test_size)
      : model(ParseKerasJson(FindZooModel(name)->json, name).value()) {
    Shape shape = model.input_shape;
    if (shape.dims.size() == 2) shape.dims.push_back(1);
    const int64_t outputs = LayerOutputShapes(model).back().elements();
    const bool reconstructs = name == "autoencoder";
    const int64_t classes = reconstructs ? 10 : outputs;
    source = {.name = "patterns",
              .train = Patterns(shape, classes, train_size, 1),
              .test = Patterns(shape, classes, test_size, 2)};
    if (!reconstructs) return;
    loss = Loss::kMeanSquaredError;
    source.train.labels = {};
    source.test.labels = {};
  }
};

TEST_CASE("the loss of each network of the zoo falls", "[zoo][training]") {
  const size_t index = GENERATE(range(size_t{0}, ZooModels().size()));
  const ZooModel zoo = ZooModels()[index];
  INFO(zoo.name);
  const int64_t batch = 8;
  // With sanitizers or under emulation a few steps must do: on one batch over
  // and over, since the losses of different batches differ by more than a few
  // steps gain.
#ifdef BATCHSWEEP_SANITIZED
  constexpr bool kShort = true;
#else
  constexpr bool kShort = BATCHSWEEP_TEST_EMULATED;
#endif
  const int64_t steps = kShort ? 10 : 200;
  const int64_t train_size = kShort ? batch : batch * steps;
  ZooRun run(zoo.name, train_size, /*test_size=*/1);
  TestEngine engine;
  Network network = MakeNetwork(
      run.model, {.max_batch = batch, .optimizer_slots = 2, .loss = run.loss},
      engine.context());
  const TrainingData data = Parts(run.source, train_size, 1);
  Trainer trainer(data, {.batch_size = batch, .budget = {.steps = steps}},
                  engine.context(), nullptr, network);
  std::vector<float> losses;
  while (std::ssize(losses) < steps) {
    REQUIRE(trainer.TrainEpoch({}).value() != Trainer::Outcome::kDiverged);
    for (const StepRecord& step : RecordsOf(trainer))
      losses.push_back(step.loss);
    trainer.CloseEpoch();
  }
  REQUIRE(std::ssize(losses) == steps);
  CHECK(LossRatio(losses) < (kShort ? 0.95 : 0.8));
}

TEST_CASE("a step of a convolutional network takes no memory from the heap",
          "[zoo][training]") {
  if (!HeapCallsCounted()) SKIP("a sanitizer owns the heap of this build");
  const char* name = GENERATE("cnn", "resnet8", "ds-cnn");
  const int threads = GENERATE(1, 2);
  const bool lean = GENERATE(false, true);
  const int64_t batch = 7;
  ZooRun run(name, 3 * batch - 2, /*test_size=*/1);
  TestEngine engine(threads);
  Network network = MakeNetwork(
      run.model, {.max_batch = batch, .optimizer_slots = 2, .lean = lean},
      engine.context());
  const TrainingData data = Parts(run.source, 3 * batch - 2, 1);
  Trainer trainer(data, {.batch_size = batch, .budget = {.epochs = 1}},
                  engine.context(), nullptr, network);
  Batcher batcher(data.train, {});
  batcher.StartEpoch(1);
  const int64_t heap_calls = HeapCalls();
  bool stepped = true;
  // The last of the three has a smaller batch.
  for (auto rows = batcher.Next(batch); !rows.empty() && stepped;
       rows = batcher.Next(batch)) {
    stepped = trainer.Step(rows).has_value();
  }
  const int64_t heap_calls_of_steps = HeapCalls() - heap_calls;
  INFO(name << ", " << threads << " threads" << (lean ? ", lean" : ""));
  CHECK(stepped);
  CHECK(heap_calls_of_steps == 0);
}

TEST_CASE("resnet8 tells CIFAR-like classes apart", "[zoo][training]") {
#ifdef BATCHSWEEP_SANITIZED
  SKIP("takes minutes with sanitizers");
#endif
  if (BATCHSWEEP_TEST_EMULATED) SKIP("takes minutes under emulation");
  constexpr int64_t kTrainSize = 1600, kTestSize = 200;
  ZooRun run("resnet8", kTrainSize, kTestSize);
  TestEngine engine;
  Network network = MakeNetwork(
      run.model, {.max_batch = 16, .optimizer_slots = 2}, engine.context());
  const TrainingData data = Parts(run.source, kTrainSize, kTestSize);
  Trainer trainer(data, {.batch_size = 16, .budget = {.epochs = 5}},
                  engine.context(), nullptr, network);
  double best = 0.0;
  for (int epoch = 0; epoch < 5; ++epoch) {
    REQUIRE(trainer.TrainEpoch({}).value() == Trainer::Outcome::kEpochDone);
    best = std::max(best, trainer.Validate()->scores.accuracy.value());
    trainer.CloseEpoch();
  }
  CHECK(best >= 0.9);
}

}  // namespace
}  // namespace batchsweep
