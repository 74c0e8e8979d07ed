// Whole training runs: against float64 curves, over seeds and threads, and what
// a step may not do.
#include <linux/perf_event.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <cstdlib>
#include <format>
#include <fstream>
#include <sstream>

#include "data/synthetic.h"
#include "model/initializers.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "platform/file.h"
#include "tests/counters.h"
#include "tests/fixtures.h"
#include "tests/paths.h"
#include "train/trainer.h"

namespace batchsweep {
namespace {

struct CurvePoint {
  double loss, accuracy;
};

// step,loss,accuracy under a header line
std::vector<CurvePoint> ReadCurve(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::vector<CurvePoint> curve;
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    double step = 0;
    char comma = 0;
    CurvePoint point{};
    cells >> step >> comma >> point.loss >> comma >> point.accuracy;
    curve.push_back(point);
  }
  return curve;
}

ModelSpec ZooModelSpec(const char* name) {
  return ParseKerasJson(FindZooModel(name)->json, name).value();
}

TEST_CASE("training follows the float64 curves at every step",
          "[training][reference]") {
  const auto source = FashionMnist();
  if (!source) SKIP("Debian's package dataset-fashion-mnist is not installed");
  const int64_t batch_size = GENERATE(8, 32, 128);
  const auto folder = TestData() / "reference";
  const auto curve = ReadCurve(folder / std::format("mlp_b{}.csv", batch_size));
  REQUIRE(std::ssize(curve) == 2048 / batch_size);
  const auto model =
      ParseKerasJson(ReadFile(folder / "mlp.json").value(), "mlp.json").value();

  TestEngine engine;
  Network network =
      Network::Allocate(
          PlanNetwork(model, {.max_batch = batch_size, .optimizer_slots = 2},
                      engine.context())
              .value())
          .value();
  network.SetWeights(
      ReadWeights(ModelParams(model), folder / "mlp_init.safetensors").value());
  const TrainingData data = Parts(*source, 2048, 1000);
  // Emulated Arm is slow; the first steps go the same way as the rest.
  const int64_t steps = BATCHSWEEP_TEST_EMULATED
                            ? std::min<int64_t>(32, 2048 / batch_size)
                            : 2048 / batch_size;
  Trainer trainer(
      data,
      {.batch_size = batch_size, .budget = {.steps = steps}, .shuffle = false},
      engine.context(), nullptr, network);
  trainer.TrainEpoch({}).value();
  const auto records = RecordsOf(trainer);
  REQUIRE(std::ssize(records) == steps);
  for (size_t i = 0; i < records.size(); ++i) {
    INFO("batch " << batch_size << ", step " << i + 1);
    CHECK(std::abs(records[i].loss - curve[i].loss) < 2e-4);
    CHECK(std::abs(records[i].accuracy.value() - curve[i].accuracy) < 1e-6);
  }
  if (steps < 2048 / batch_size) return;

  // batch_size,steps,last_step_loss,val_loss,val_accuracy
  std::ifstream summary(folder / "mlp_summary.csv");
  std::string line;
  while (std::getline(summary, line)) {
    if (!line.starts_with(std::format("{},", batch_size))) continue;
    std::istringstream cells(line.substr(line.find(',', line.find(',') + 1)));
    char comma = 0;
    double last = 0, val_loss = 0, val_accuracy = 0;
    cells >> comma >> last >> comma >> val_loss >> comma >> val_accuracy;
    const Evaluation epoch = trainer.Validate()->scores;
    CHECK(std::abs(epoch.loss - val_loss) < 2e-4);
    CHECK(std::abs(epoch.accuracy.value() - val_accuracy) < 1e-9);
    return;
  }
  FAIL("no line for the batch size");
}

TEST_CASE("ten epochs of batch 32 reach 0.87 validation accuracy",
          "[training][long]") {
  if (BATCHSWEEP_TEST_EMULATED) SKIP("takes minutes under emulation");
  const auto source = FashionMnist();
  if (!source) SKIP("Debian's package dataset-fashion-mnist is not installed");
  const TrainingData data = {.train = {&source->train, 0, 55'000},
                             .validation = {&source->train, 55'000, 60'000},
                             .test = {&source->test, 0, 10'000}};
  const ModelSpec model = ZooModelSpec("mlp");
  TestEngine engine;
  for (const uint64_t seed : {1u, 2u, 3u}) {
    Network network = MakeNetwork(
        model, {.max_batch = 32, .optimizer_slots = 2}, engine.context(), seed);
    Trainer trainer(data,
                    {.batch_size = 32, .seed = seed, .budget = {.epochs = 10}},
                    engine.context(), nullptr, network);
    EpochRecord epoch;
    CellTotals totals;
    for (int i = 0; i < 10; ++i) {
      REQUIRE(trainer.TrainEpoch({}).value() == Trainer::Outcome::kEpochDone);
      epoch = FinishEpoch(trainer, totals);
    }
    INFO("seed " << seed);
    CHECK(epoch.epoch == 10);
    CHECK(epoch.steps == 1719);
    CHECK(epoch.val_accuracy >= 0.87);
    CHECK(epoch.val_accuracy <= 0.905);
    CHECK(epoch.val_loss >= 0.28);
    CHECK(epoch.val_loss <= 0.37);
    CHECK(trainer.Test()->accuracy >= 0.86);
  }
}

// A short run on made-up data.
struct SmallRun {
  DataSource source = MakeSynthetic({.example_shape = {{28, 28, 1}},
                                     .class_count = 10,
                                     .train_size = 500,
                                     .test_size = 100,
                                     .seed = 1});
  TrainingData data = Parts(source, 500, 100);
  ModelSpec model = ZooModelSpec("mlp");
};

TEST_CASE("two threads record the losses of one, bit for bit",
          "[training][threads]") {
  const SmallRun run;
  std::vector<std::vector<float>> losses;
  for (const int threads : {1, 2}) {
    TestEngine engine(threads);
    Network network = MakeNetwork(
        run.model, {.max_batch = 32, .optimizer_slots = 2}, engine.context());
    Trainer trainer(run.data, {.batch_size = 32, .budget = {.epochs = 2}},
                    engine.context(), nullptr, network);
    auto& of_run = losses.emplace_back();
    for (int epoch = 0; epoch < 2; ++epoch) {
      trainer.TrainEpoch({}).value();
      for (const StepRecord& step : RecordsOf(trainer)) {
        of_run.push_back(step.loss);
      }
      of_run.push_back(static_cast<float>(trainer.Validate()->scores.loss));
      trainer.CloseEpoch();
    }
  }
  CHECK(losses[0].size() == 2 * (16 + 1));
  CHECK(losses[0] == losses[1]);
}

TEST_CASE("a step takes no memory from the heap and writes nothing",
          "[training]") {
  if (!HeapCallsCounted()) SKIP("a sanitizer owns the heap of this build");
  const int64_t batch_size = GENERATE(8, 32, 128);
  const SmallRun run;
  TestEngine engine(GENERATE(1, 2));
  Network network =
      MakeNetwork(run.model, {.max_batch = batch_size, .optimizer_slots = 2},
                  engine.context());
  Trainer trainer(run.data, {.batch_size = batch_size, .budget = {.epochs = 1}},
                  engine.context(), nullptr, network);
  Batcher batcher(run.data.train, {});
  batcher.StartEpoch(1);
  // From the very first step on; the last one has a smaller batch.
  const int64_t write_calls = WriteCalls();  // takes memory itself
  const int64_t heap_calls = HeapCalls();
  bool stepped = true;
  for (auto rows = batcher.Next(batch_size); !rows.empty() && stepped;
       rows = batcher.Next(batch_size)) {
    stepped = trainer.Step(rows).has_value();
  }
  const int64_t heap_calls_of_steps = HeapCalls() - heap_calls;
  const int64_t write_calls_of_steps = WriteCalls() - write_calls;
  CHECK(stepped);
  CHECK(trainer.position().epoch_examples == 500);
  CHECK(heap_calls_of_steps == 0);
  CHECK(write_calls_of_steps == 0);
}

TEST_CASE("the counters notice what they count", "[training]") {
  if (!HeapCallsCounted()) SKIP("a sanitizer owns the heap of this build");
  const int64_t heap_calls = HeapCalls();
  // Through a pointer that the compiler cannot see through, or it would leave
  // both calls out.
  void* (*volatile take)(size_t) = std::malloc;
  std::free(take(1000));
  CHECK(HeapCalls() == heap_calls + 1);
  const int64_t write_calls = WriteCalls();
  std::ofstream("/dev/null") << "x" << std::flush;
  CHECK(WriteCalls() > write_calls);
}

TEST_CASE("phases add up to the step and counts to the epoch", "[training]") {
  const SmallRun run;
  TestEngine engine;
  Network network = MakeNetwork(
      run.model, {.max_batch = 32, .optimizer_slots = 2}, engine.context());
  Trainer trainer(run.data, {.batch_size = 32, .budget = {.epochs = 1}},
                  engine.context(), nullptr, network);
  REQUIRE(trainer.TrainEpoch({}).value() == Trainer::Outcome::kEpochDone);
  double loss_sum = 0.0, correct = 0.0;
  int64_t step_time_sum_ns = 0;
  for (const StepRecord& step : RecordsOf(trainer)) {
    CHECK(step.step_time_ns == step.load_time_ns + step.forward_time_ns +
                                   step.backward_time_ns + step.update_time_ns);
    CHECK(step.load_time_ns > 0);
    CHECK(step.forward_time_ns > 0);
    CHECK(step.backward_time_ns > 0);
    CHECK(step.update_time_ns > 0);
    CHECK(step.board.rss_bytes.value_or(1) > 0);
    loss_sum += step.loss * static_cast<double>(step.examples);
    correct += step.accuracy.value() * static_cast<double>(step.examples);
    step_time_sum_ns += step.step_time_ns;
  }
  CHECK(RecordsOf(trainer).back().examples == 500 - 15 * 32);
  CHECK(RecordsOf(trainer).back().step == 16);
  CellTotals totals;
  const EpochRecord epoch = FinishEpoch(trainer, totals);
  CHECK(epoch.steps == 16);
  CHECK(std::abs(epoch.train_loss - loss_sum / 500) < 1e-5);
  CHECK(std::abs(epoch.train_accuracy.value() - correct / 500) < 1e-6);
  CHECK(epoch.train_time_ns >= step_time_sum_ns);
  const SummaryRecord summary =
      Summarize({.batch_size = 32}, totals, trainer.Test().value()).record;
  CHECK(summary.steps == 16);
  CHECK(summary.best_epoch == 1);
  CHECK(summary.step_time_p95_ns >= summary.step_time_median_ns);
  // But for the median's rounding to whole nanoseconds.
  CHECK(std::abs(summary.examples_per_second.value() *
                     static_cast<double>(summary.step_time_median_ns.value()) /
                     1e9 -
                 32) < 0.1);
}

// What every Linux counts: the time computed, as "cycles", and page faults.
const std::array<Counters::Event, 4> kSoftwareEvents = {
    {{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
     {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
     {PERF_TYPE_SOFTWARE, 999},
     {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES}}};

TEST_CASE("some steps are counted, phase by phase, beside their times",
          "[training][counters]") {
  const Counters counters(kSoftwareEvents);
  if (!counters.any()) SKIP("no event can be counted here");
  const SmallRun run;
  TestEngine engine;
  Network network = MakeNetwork(
      run.model, {.max_batch = 8, .optimizer_slots = 2}, engine.context());
  Trainer trainer(run.data,
                  {.batch_size = 8, .seed = 5, .budget = {.epochs = 30}},
                  engine.context(), &counters, network);
  size_t counted = 0, around = 0;
  int64_t last_step = 0;
  for (int epoch = 1; epoch <= 30; ++epoch) {
    trainer.TrainEpoch({}).value();
    const auto steps = RecordsOf(trainer);
    const auto& counts = trainer.measurements().counts;
    CHECK(trainer.measurements().epoch == epoch);
    REQUIRE(counts.size() % 4 == 0);
    for (size_t i = 0; i < counts.size(); i += 4) {
      const StepRecord& step =
          steps.at(static_cast<size_t>(counts[i].step - steps[0].step));
      const int64_t times[] = {step.load_time_ns, step.forward_time_ns,
                               step.backward_time_ns, step.update_time_ns};
      const char* phases[] = {"load", "forward", "backward", "update"};
      for (size_t phase = 0; phase < 4; ++phase) {
        const CountedPhase& count = counts[i + phase];
        CHECK(count.counts.phase == std::string(phases[phase]));
        CHECK(count.counts.time_ns == times[phase]);
        CHECK(count.step == step.step);
        // The events are counted around the phase, while the thread runs; time
        // goes on when it waits for others that want the core.
        around += count.counts.cycles.value() > count.counts.time_ns / 2;
        CHECK(count.counts.instructions.value() >= 0);
        CHECK_FALSE(count.counts.cache_misses);
      }
      CHECK(step.step > last_step);
      last_step = step.step;
      ++counted;
    }
    trainer.CloseEpoch();
  }
  // Counting costs as much as a short step or more: most go uncounted.
  CHECK(counted > 0);
  CHECK(counted < 30 * 63 / 2);
  CHECK(around > 4 * counted / 2);
}

TEST_CASE("a budget of steps or seconds ends training there", "[training]") {
  const SmallRun run;
  TestEngine engine;
  Network network = MakeNetwork(
      run.model, {.max_batch = 32, .optimizer_slots = 2}, engine.context());
  Trainer by_steps(run.data, {.batch_size = 32, .budget = {.steps = 20}},
                   engine.context(), nullptr, network);
  CHECK(by_steps.TrainEpoch({}).value() == Trainer::Outcome::kEpochDone);
  CHECK(RecordsOf(by_steps).size() == 16);
  CellTotals totals;
  CHECK(FinishEpoch(by_steps, totals).epoch == 1);
  CHECK(by_steps.TrainEpoch({}).value() == Trainer::Outcome::kBudgetSpent);
  CHECK(RecordsOf(by_steps).size() == 4);
  CHECK(FinishEpoch(by_steps, totals).steps == 4);

  Trainer by_seconds(run.data, {.batch_size = 32, .budget = {.seconds = 1e-9}},
                     engine.context(), nullptr, network);
  CHECK(by_seconds.TrainEpoch({}).value() == Trainer::Outcome::kBudgetSpent);
  CHECK(RecordsOf(by_seconds).size() == 1);
}

// All step losses of three epochs, and the weights behind them, evaluated
// every so often; `evaluations` becomes the steps that were evaluated within.
struct Trained {
  std::vector<float> losses;
  std::vector<NamedTensor> weights;
  std::vector<int64_t> evaluations;
  int64_t warmup_steps = 0;

  Trained(const SmallRun& run, const EvaluationInterval& every) {
    TestEngine engine;
    Network network = MakeNetwork(
        run.model, {.max_batch = 32, .optimizer_slots = 2}, engine.context());
    Trainer trainer(run.data,
                    {.batch_size = 32,
                     .budget = {.epochs = 13},  // 208 steps
                     .evaluate_every = every,
                     .subset_examples = 150},
                    engine.context(), nullptr, network);
    for (auto outcome = Trainer::Outcome::kEpochDone;
         outcome != Trainer::Outcome::kBudgetSpent;) {
      outcome = trainer.TrainEpoch({}).value();
      for (const StepRecord& step : RecordsOf(trainer)) {
        losses.push_back(step.loss);
        warmup_steps += step.flags.Has(StepFlag::kWarmup) ? 1 : 0;
      }
      if (outcome == Trainer::Outcome::kBudgetSpent) break;
      const Validation validation = trainer.Validate().value();
      if (outcome == Trainer::Outcome::kEvaluationDue) {
        evaluations.push_back(validation.step);
      } else {
        trainer.CloseEpoch();
      }
    }
    weights = WeightsOf(network);
  }
};

TEST_CASE("evaluations within epochs change no bit of training",
          "[training][evaluation]") {
  const SmallRun run;
  const Trained whole(run, {}), parts(run, {.steps = 7, .seconds = {}});
  const Trained timed(run, {.steps = {}, .seconds = 0.001});
  CHECK(whole.evaluations.empty());
  CHECK(whole.losses.size() == 13 * 16);
  CHECK(whole.warmup_steps == kWarmupSteps);
  for (const Trained* each : {&parts, &timed}) {
    CHECK(each->losses == whole.losses);
    CHECK(each->warmup_steps == whole.warmup_steps);
    REQUIRE(each->weights.size() == whole.weights.size());
    for (size_t i = 0; i < whole.weights.size(); ++i) {
      CHECK(each->weights[i].values == whole.weights[i].values);
    }
  }
  // Multiples of 7 up to 208, but 112, which ends an epoch.
  REQUIRE(parts.evaluations.size() == 28);
  CHECK(parts.evaluations[2] == 21);
  CHECK(std::ranges::contains(parts.evaluations, 105));
  CHECK_FALSE(std::ranges::contains(parts.evaluations, 112));
  CHECK_FALSE(timed.evaluations.empty());
}

TEST_CASE("the subset's loss is that of the first training examples",
          "[training][evaluation]") {
  const SmallRun run;
  TestEngine engine;
  const auto evaluate = [&](const TrainingData& data,
                            const TrainConfig& config) {
    Network network = MakeNetwork(
        run.model, {.max_batch = 32, .optimizer_slots = 2}, engine.context());
    Trainer trainer(data, config, engine.context(), nullptr, network);
    return trainer.Validate().value();
  };
  TrainConfig config = {.batch_size = 32, .budget = {.epochs = 1}};
  CHECK_FALSE(evaluate(run.data, config).subset_loss);
  for (const int64_t examples : {1, 75, 500}) {
    TrainingData data = run.data;
    data.validation = {&run.source.train, 0, examples};
    const double want = evaluate(data, config).scores.loss;
    TrainConfig with = config;
    with.subset_examples = examples == 500 ? 8192 : examples;
    CHECK(evaluate(run.data, with).subset_loss == want);
  }
}

TEST_CASE("a loss that is not finite ends training and is recorded",
          "[training]") {
  const SmallRun run;
  TestEngine engine;
  const OptimizerConfig wild{.name = "sgd", .learning_rate = 1e30f};
  Network network = MakeNetwork(run.model, {.max_batch = 32}, engine.context());
  Trainer trainer(
      run.data, {.batch_size = 32, .budget = {.epochs = 1}, .optimizer = wild},
      engine.context(), nullptr, network);
  CHECK(trainer.TrainEpoch({}).value() == Trainer::Outcome::kDiverged);
  CHECK(RecordsOf(trainer).size() < 16);
  CHECK(std::isnan(RecordsOf(trainer).back().loss));
  CHECK(std::isfinite(RecordsOf(trainer).front().loss));
}

}  // namespace
}  // namespace batchsweep
