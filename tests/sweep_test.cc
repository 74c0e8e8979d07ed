#include "sweep/sweep.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <fstream>
#include <set>

#include "data/synthetic.h"
#include "model/safetensors.h"
#include "platform/file.h"
#include "record/csv_reader.h"
#include "record/json.h"
#include "record/run_info.h"
#include "sweep/checkpoint.h"
#include "sweep/memory_fit.h"
#include "sweep/resume.h"
#include "tests/fixtures.h"
#include "tests/temp_dir.h"
#include "util/enum_names.h"

namespace batchsweep {
namespace {

// A sweep of a small model over 100 examples: 13 and 4 steps an epoch.
struct SmallSweep {
  DataSource source = MakeSynthetic({.example_shape = {{5, 5, 1}},
                                     .class_count = 3,
                                     .train_size = 100,
                                     .test_size = 30});
  TrainingData data = Parts(source, 100, 30);
  SweepConfig config = {
      .model =
          DenseModel(25, {{.units = 9, .activation = Activation::kRelu},
                          {.units = 3, .activation = Activation::kSoftmax}}),
      .batch_sizes = {8, 32},
      .budget = {.epochs = 3}};

  Result<SweepResult> Run(const std::filesystem::path& out,
                          SweepPosition position, SweepObserver& observer) {
    config.out = out;
    TestEngine engine;
    Sensors sensors(out / "no such root");
    return RunRound(config, data, *engine.context().kernels, sensors,
                    std::move(position), observer);
  }

  // The start of a new sweep: tables without rows, and its checkpoint.
  static SweepPosition Begin(const std::filesystem::path& out) {
    REQUIRE(WriteRunInfo(out / "run.json", RunInfo()));
    SweepPosition position{.recorded = Recorder::Create(out)->recorded()};
    SavePosition(out / "checkpoint", position).value();
    return position;
  }

  Result<SweepResult> RunWhole(const std::filesystem::path& out) {
    SweepObserver quiet;
    return Run(out, Begin(out), quiet);
  }
};

// The columns of steps.csv that must not depend on time or threads.
std::string LossColumns(const std::filesystem::path& folder) {
  std::string columns;
  for (const StepRecord& step :
       ReadCsv<StepRecord>(folder / "steps.csv").value()) {
    StepRecord timeless{.cell = step.cell,
                        .epoch = step.epoch,
                        .step = step.step,
                        .examples = step.examples,
                        .loss = step.loss,
                        .accuracy = step.accuracy};
    AppendCsvRow(timeless, columns);
  }
  for (const EpochRecord& epoch :
       ReadCsv<EpochRecord>(folder / "epochs.csv").value()) {
    EpochRecord timeless = epoch;
    timeless.train_time_ns = timeless.val_time_ns = 0;
    AppendCsvRow(timeless, columns);
  }
  return columns;
}

TEST_CASE("a sweep records every step, epoch and batch size", "[sweep]") {
  const TempDir out;
  SmallSweep sweep;
  sweep.config.seeds = {1, 2};
  const SweepResult result = sweep.RunWhole(out.path()).value();
  CHECK(result.position.cells_done == 4);
  CHECK_FALSE(result.interrupted);
  const auto steps = ReadCsv<StepRecord>(out.path() / "steps.csv").value();
  CHECK(steps.size() == 2 * 3 * (13 + 4));
  CHECK(ReadCsv<EpochRecord>(out.path() / "epochs.csv")->size() == 2 * 2 * 3);
  const auto summaries =
      ReadCsv<SummaryRecord>(out.path() / "summary.csv").value();
  REQUIRE(summaries.size() == 4);
  CHECK(summaries[0].cell.batch_size == 8);
  CHECK(summaries[1].cell.batch_size == 32);
  CHECK(summaries[1].steps == 12);
  CHECK(summaries[2].cell.seed == 2);
  CHECK(summaries[0].total_time_ns > 0);
}

TEST_CASE("batch sizes share their first weights, or do not if told so",
          "[sweep]") {
  const TempDir out;
  SmallSweep sweep;
  const bool fresh = GENERATE(false, true);
  if (fresh) sweep.config.init.kind = InitialWeights::Kind::kFresh;
  // One batch of everything: the first loss depends on the weights alone.
  sweep.config.batch_sizes = {100, 99};
  sweep.data = Parts(sweep.source, 99, 30);
  sweep.config.shuffle = false;
  sweep.config.budget = {.steps = 1};
  sweep.RunWhole(out.path()).value();
  const auto steps = ReadCsv<StepRecord>(out.path() / "steps.csv").value();
  REQUIRE(steps.size() == 2);
  CHECK((steps[0].loss == steps[1].loss) == !fresh);
}

TEST_CASE("trained weights are written back under their names", "[sweep]") {
  const TempDir out;
  SmallSweep sweep;
  sweep.RunWhole(out.path()).value();
  const auto path = out.path() / "weights" / "batch_8_seed_1.safetensors";
  const auto weights = ReadSafetensors(path).value();
  std::set<std::string> names;
  for (const NamedTensor& tensor : weights) names.insert(tensor.name);
  CHECK(names == std::set<std::string>{"dense_0/bias", "dense_0/kernel",
                                       "dense_1/bias", "dense_1/kernel"});
  // And a sweep can begin with them: its loss goes on where the other ended.
  const TempDir again;
  const auto earlier = ReadCsv<EpochRecord>(out.path() / "epochs.csv").value();
  sweep.config.init = {.kind = InitialWeights::Kind::kFile, .file = path};
  sweep.config.optimizer.learning_rate = 1e-12f;
  sweep.config.budget = {.steps = 1};
  sweep.RunWhole(again.path()).value();
  const auto epochs = ReadCsv<EpochRecord>(again.path() / "epochs.csv").value();
  CHECK(std::abs(epochs[0].val_loss - earlier[2].val_loss) < 1e-6);
}

// Interrupts after a number of questions, which are asked once a step, in all
// processes of a sweep.
class Impatient : public SweepObserver {
 public:
  explicit Impatient(int patience)
      : patience_(static_cast<std::atomic<int>*>(
            mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    patience_->store(patience);
  }
  ~Impatient() override { munmap(patience_, sizeof(int)); }
  bool Interrupted() override { return patience_->fetch_sub(1) == 0; }

 private:
  std::atomic<int>* const patience_;
};

// What it does next depends on more than its weights: running statistics, and
// draws that go by the step.
ModelSpec ModelWithMemory() {
  return {.name = "test",
          .input_shape = {{5, 5, 1}},
          .layers = {Conv2DSpec{.name = "conv",
                                .filters = 4,
                                .kernel_size = {3, 3},
                                .activation = Activation::kRelu},
                     BatchNormalizationSpec{.name = "bn", .momentum = 0.9f},
                     DropoutSpec{.name = "dropout", .rate = 0.3f},
                     FlattenSpec{"flatten"},
                     DenseSpec{.name = "classes",
                               .units = 3,
                               .activation = Activation::kSoftmax}}};
}

// Weights and summaries of two runs of the same cells.
void CheckSameEnds(const std::filesystem::path& folder,
                   const std::filesystem::path& expected) {
  for (const char* file : {"weights/batch_8_seed_1.safetensors",
                           "weights/batch_32_seed_1.safetensors"}) {
    CHECK(ReadFile(folder / file).value() == ReadFile(expected / file).value());
  }
  const auto want = ReadCsv<SummaryRecord>(expected / "summary.csv").value();
  const auto got = ReadCsv<SummaryRecord>(folder / "summary.csv").value();
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].steps == want[i].steps);
    CHECK(got[i].epochs == want[i].epochs);
    CHECK(got[i].best_val_loss == want[i].best_val_loss);
    CHECK(got[i].best_epoch == want[i].best_epoch);
    CHECK(got[i].test_loss == want[i].test_loss);
    CHECK(got[i].step_time_median_ns.value() > 0);
  }
}

TEST_CASE("an interrupted sweep goes on to the bits of an uninterrupted one",
          "[sweep][checkpoint]") {
  const TempDir whole;
  SmallSweep sweep;
  if (GENERATE(false, true)) sweep.config.model = ModelWithMemory();
  sweep.config.optimizer.name = GENERATE("adam", "sgd", "rmsprop");
  sweep.config.optimizer.momentum = 0.9f;
  sweep.RunWhole(whole.path()).value();

  // Within an epoch, at its last step, at the start, in the second batch size.
  // Minutes under emulation, where two of them do.
  static constexpr auto kPatience = std::to_array({5, 27, 0, 13, 14, 40, 50});
  const int patience = GENERATE(from_range(
      kPatience.begin(),
      BATCHSWEEP_TEST_EMULATED ? kPatience.begin() + 2 : kPatience.end()));
  const TempDir parts;
  {
    Impatient observer(patience);
    const auto stopped =
        sweep.Run(parts.path(), SmallSweep::Begin(parts.path()), observer)
            .value();
    REQUIRE(stopped.interrupted);
    // A row of a step that no checkpoint knows of.
    REQUIRE(Recorder::Resume(parts.path(), stopped.position.recorded)
                ->AppendSteps(std::vector<StepRecord>(1)));
  }
  const SweepPosition position =
      ReadNewestState(parts.path() / "checkpoint").value();
  SweepObserver patient;
  REQUIRE_FALSE(sweep.Run(parts.path(), position, patient)->interrupted);

  CHECK(LossColumns(parts.path()) == LossColumns(whole.path()));
  CheckSameEnds(parts.path(), whole.path());
}

// Their columns that must not depend on time.
std::string Evaluations(const std::filesystem::path& folder) {
  std::string columns;
  for (EvaluationRecord record :
       ReadCsv<EvaluationRecord>(folder / "evaluations.csv").value()) {
    record.train_time_ns = record.val_time_ns = 0;
    AppendCsvRow(record, columns);
  }
  return columns;
}

TEST_CASE("a sweep interrupted between evaluations goes on to the same bits",
          "[sweep][checkpoint][evaluation]") {
  const TempDir plain, whole, parts;
  SmallSweep sweep;
  sweep.config.model = ModelWithMemory();
  sweep.RunWhole(plain.path()).value();
  sweep.config.val_every = EvaluationInterval{.steps = 5, .seconds = {}};
  sweep.config.target_loss = 1.0;
  sweep.config.target_examples = 50;
  sweep.RunWhole(whole.path()).value();
  CHECK(LossColumns(whole.path()) == LossColumns(plain.path()));
  CheckSameEnds(whole.path(), plain.path());
  const auto records =
      ReadCsv<EvaluationRecord>(whole.path() / "evaluations.csv").value();
  std::vector<int64_t> steps, examples;
  for (const EvaluationRecord& record : records) {
    if (record.cell.batch_size != 8) continue;
    steps.push_back(record.step);
    examples.push_back(record.examples);
    CHECK(record.epoch == (record.step - 1) / 13 + 1);
    CHECK(record.subset_loss.has_value());
  }
  CHECK(steps == std::vector<int64_t>{5, 10, 13, 15, 20, 25, 26, 30, 35, 39});
  CHECK(examples ==
        std::vector<int64_t>{40, 80, 100, 116, 156, 196, 200, 232, 272, 300});

  // Where an evaluation is due, behind one, and at an epoch's end.
  const int patience = GENERATE(5, 6, 8, 13, 14, 44);
  {
    Impatient observer(patience);
    REQUIRE(sweep.Run(parts.path(), SmallSweep::Begin(parts.path()), observer)
                ->interrupted);
  }
  SweepObserver patient;
  REQUIRE_FALSE(sweep
                    .Run(parts.path(),
                         ReadNewestState(parts.path() / "checkpoint").value(),
                         patient)
                    ->interrupted);
  CHECK(LossColumns(parts.path()) == LossColumns(whole.path()));
  CHECK(Evaluations(parts.path()) == Evaluations(whole.path()));
  CheckSameEnds(parts.path(), whole.path());
}

TEST_CASE("a cell can end where it reaches its target", "[sweep][evaluation]") {
  const TempDir out;
  SmallSweep sweep;
  sweep.config.val_every = EvaluationInterval{.steps = 5, .seconds = {}};
  sweep.config.target_loss = 1e9;  // the first evaluation does
  sweep.config.target_examples = 50;
  sweep.config.stop_at_target = true;
  const SweepPosition done = sweep.RunWhole(out.path()).value().position;
  CHECK(done.cells_done == 2);
  const auto summaries =
      ReadCsv<SummaryRecord>(out.path() / "summary.csv").value();
  const auto epochs = ReadCsv<EpochRecord>(out.path() / "epochs.csv").value();
  const auto evaluations =
      ReadCsv<EvaluationRecord>(out.path() / "evaluations.csv").value();
  REQUIRE(summaries.size() == 2);
  REQUIRE(epochs.size() == 2);
  REQUIRE(evaluations.size() == 2);
  CHECK(summaries[0].steps == 5);
  CHECK(summaries[0].steps_to_target == 5);
  CHECK(summaries[0].time_to_target_ns == epochs[0].train_time_ns);
  CHECK(epochs[0].steps == 5);
  CHECK(epochs[0].val_loss == evaluations[0].val_loss);
  CHECK(summaries[1].steps == 4);  // an epoch's end comes before five steps

  // More epochs do not make it go on.
  sweep.config.budget = {.epochs = 5};
  SweepObserver quiet;
  REQUIRE(sweep.Run(out.path(), Extended(done), quiet));
  const auto again = ReadCsv<SummaryRecord>(out.path() / "summary.csv").value();
  REQUIRE(again.size() == 2);
  CHECK(again[0].steps == 5);
  CHECK(again[0].test_loss == summaries[0].test_loss);
}

TEST_CASE("a finished sweep goes on with more epochs to the same bits",
          "[sweep][checkpoint]") {
  const TempDir whole, parts;
  SmallSweep sweep;
  sweep.config.model = ModelWithMemory();
  sweep.config.budget = {.epochs = 3};
  sweep.RunWhole(whole.path()).value();
  sweep.config.budget = {.epochs = 2};
  const SweepPosition done = sweep.RunWhole(parts.path()).value().position;
  CHECK(done.cells_done == 2);
  sweep.config.budget = {.epochs = 3};
  SweepObserver quiet;
  const SweepResult result =
      sweep.Run(parts.path(), Extended(done), quiet).value();
  CHECK(result.position.cells_done == 2);
  CheckSameEnds(parts.path(), whole.path());
  CHECK(ReadCsv<EpochRecord>(parts.path() / "epochs.csv")->size() == 6);
}

TEST_CASE("a resumed sweep goes by its newest whole checkpoint",
          "[sweep][checkpoint]") {
  const TempDir out;
  SmallSweep sweep;
  sweep.RunWhole(out.path()).value();
  const auto states = ListStates(out.path() / "checkpoint");
  REQUIRE(states.size() == 2);
  const auto found = FindResumePoint(sweep.config, 100).value();
  CHECK(found.position.cells_done == 2);
  CHECK_FALSE(found.warning);

  SECTION("a damaged state makes the one before count") {
    std::string text = ReadFile(states[0]).value();
    text[text.size() / 2] ^= 1;
    std::ofstream(states[0], std::ios::binary) << text;
    const auto older = FindResumePoint(sweep.config, 100).value();
    CHECK(older.position.cells_done == 1);
    REQUIRE(older.warning);
    CHECK(older.warning->message.contains(states[0].filename().string()));
    // And what it leads to are the same weights.
    const auto path = out.path() / "weights" / "batch_32_seed_1.safetensors";
    const std::string before = ReadFile(path).value();
    SweepObserver quiet;
    sweep.Run(out.path(), older.position, quiet).value();
    CHECK(ReadFile(path).value() == before);
    CHECK_FALSE(FindResumePoint(sweep.config, 100).value().warning);
  }
  SECTION("a table of both that is damaged is named") {
    const auto path = out.path() / "steps.csv";
    std::string text = ReadFile(path).value();
    text[text.find('\n') + 5] ^= 1;
    std::ofstream(path, std::ios::binary) << text;
    const auto refused = FindResumePoint(sweep.config, 100);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.contains("steps.csv: its first"));
  }
  SECTION("weights of both that are damaged are named") {
    std::ofstream(out.path() / "weights" / "batch_8_seed_1.safetensors",
                  std::ios::app)
        << 'x';
    const auto refused = FindResumePoint(sweep.config, 100);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.contains("batch_8_seed_1.safetensors"));
  }
}

TEST_CASE("the learning rate follows the batch size by the rule", "[sweep]") {
  CHECK(ScaledLearningRate(0.1f, {.lr = LrRule::kNone}, 128) == 0.1f);
  CHECK(ScaledLearningRate(0.1f, {.lr = LrRule::kSqrt}, 128) == 0.2f);
  CHECK(ScaledLearningRate(0.1f, {.lr = LrRule::kLinear}, 128) == 0.4f);
  CHECK(ScaledLearningRate(0.1f, {.lr = LrRule::kLinear}, 32) == 0.1f);
  CHECK(ParseEnum<LrRule>("sqrt") == LrRule::kSqrt);
  CHECK_FALSE(ParseEnum<LrRule>("cubic"));
}

TEST_CASE("a batch size without room is refused with the largest that fits",
          "[memory_fit]") {
  TestEngine engine;
  const SmallSweep sweep;
  const OptimizerConfig adam;
  const MemoryQuestion question{.model = sweep.config.model,
                                .optimizer = adam,
                                .extent = {.train_examples = 100},
                                .context = engine.context()};
  const int64_t of_64 = PlanCellMemory(question, 64)->total_bytes();
  CHECK(CheckFits(question, 64, {.bytes = of_64, .where = "the test"}));
  const auto refused =
      CheckFits(question, 1000, {.bytes = of_64, .where = "the test"});
  REQUIRE_FALSE(refused);
  const std::string& message = refused.error().message;
  CHECK(message.contains("batch size 1000"));
  const auto named = std::stoll(message.substr(message.rfind(' ') + 1));
  CHECK(PlanCellMemory(question, named)->total_bytes() <= of_64);
  CHECK(PlanCellMemory(question, named + 1)->total_bytes() > of_64);
  CHECK(CheckFits(question, 8, {.bytes = 100, .where = "the test"})
            .error()
            .message.contains("too little for any"));
}

}  // namespace
}  // namespace batchsweep
