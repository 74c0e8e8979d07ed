// The cells of a sweep beside each other: their order, their memory, and what
// the board did meanwhile.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "data/synthetic.h"
#include "model/keras_json.h"
#include "model/zoo.h"
#include "record/csv_reader.h"
#include "record/run_info.h"
#include "sweep/checkpoint.h"
#include "sweep/sweep.h"
#include "tests/board_trees.h"
#include "tests/fixtures.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

TEST_CASE("each process is a round of all cells, one after the other",
          "[sweep]") {
  const auto cells =
      SweepCells({.batch_sizes = {8, 32}, .threads = {1, 2}, .processes = 2});
  REQUIRE(cells.size() == 8);
  CHECK(cells[0] == CellKey{.batch_size = 8, .seed = 1, .threads = 1});
  CHECK(cells[1] == CellKey{.batch_size = 32, .seed = 1, .threads = 1});
  CHECK(cells[2] == CellKey{.batch_size = 8, .seed = 1, .threads = 2});
  CHECK(cells[4] ==
        CellKey{.batch_size = 8, .seed = 1, .threads = 1, .process = 2});
}

TEST_CASE("all batch sizes of a seed come before the next seed", "[sweep]") {
  const auto cells = SweepCells({.batch_sizes = {8, 32}, .seeds = {4, 2}});
  REQUIRE(cells.size() == 4);
  CHECK(cells[0] == CellKey{.batch_size = 8, .seed = 4});
  CHECK(cells[1] == CellKey{.batch_size = 32, .seed = 4});
  CHECK(cells[2] == CellKey{.batch_size = 8, .seed = 2});
  CHECK(cells[3] == CellKey{.batch_size = 32, .seed = 2});
}

TEST_CASE("a shuffled round has the same cells in an order of its own",
          "[sweep]") {
  SweepConfig config = {.batch_sizes = {1, 2, 4, 8, 16, 32}, .processes = 3};
  const auto given = SweepCells(config);
  config.order = CellOrder::kShuffled;
  const auto shuffled = SweepCells(config);
  CHECK(SweepCells(config) == shuffled);  // the same each time
  std::set<std::vector<int64_t>> orders;
  for (size_t round = 0; round < 3; ++round) {
    std::vector<int64_t> sizes;
    for (size_t i = 6 * round; i < 6 * (round + 1); ++i) {
      CHECK(shuffled[i].process == given[i].process);
      sizes.push_back(shuffled[i].batch_size);
    }
    orders.insert(sizes);
    std::ranges::sort(sizes);
    CHECK(sizes == config.batch_sizes);
  }
  CHECK(orders.size() == 3);
}

// What an observer does, in the process of the cell, after an epoch.
class AfterEpoch : public SweepObserver {
 public:
  explicit AfterEpoch(std::function<void(const EpochRecord&)> action)
      : action_(std::move(action)) {}
  void OnEpoch(const CellProgress&, const EpochRecord& epoch) override {
    action_(epoch);
  }

 private:
  std::function<void(const EpochRecord&)> action_;
};

struct Board {
  Tree tree;
  TempDir out;
  DataSource source;
  SweepConfig config;

  Board() {
    MakePi4(tree);
    config.model =
        DenseModel(64, {{.units = 16, .activation = Activation::kRelu},
                        {.units = 3, .activation = Activation::kSoftmax}});
    source = MakeSynthetic({.example_shape = {{8, 8, 1}},
                            .class_count = 3,
                            .train_size = 400,
                            .test_size = 50});
    config.batch_sizes = {8};
    config.budget = {.epochs = 6};
    config.out = out.path();
  }

  SweepPosition Run(SweepObserver& observer) {
    REQUIRE(WriteRunInfo(out.path() / "run.json", RunInfo()));
    SweepPosition position{.recorded =
                               Recorder::Create(out.path())->recorded()};
    SavePosition(out.path() / "checkpoint", position).value();
    TestEngine engine;
    Sensors sensors(tree.root());
    const TrainingData data = Parts(source, 400, 50);
    const auto rounds = config.processes;
    for (int round = 0; round < rounds; ++round) {
      position = RunRound(config, data, *engine.context().kernels, sensors,
                          position, observer)
                     .value()
                     .position;
    }
    return position;
  }

  std::vector<StepRecord> Steps() const {
    return ReadCsv<StepRecord>(out.path() / "steps.csv").value();
  }
  std::vector<SummaryRecord> Summaries() const {
    return ReadCsv<SummaryRecord>(out.path() / "summary.csv").value();
  }
};

bool Warns(const SweepPosition& position, const std::string& name) {
  return std::ranges::contains(position.warnings, name, &Warning::name);
}

// The epochs with a step that has the flag.
std::set<int64_t> FlaggedEpochs(const Board& board, StepFlag flag) {
  std::set<int64_t> epochs;
  for (const StepRecord& step : board.Steps()) {
    if (step.flags.Has(flag)) epochs.insert(step.epoch);
  }
  return epochs;
}

constexpr const char* kThrottleWord =
    "sys/devices/platform/soc/soc:firmware/get_throttled";
constexpr const char* kFrequency =
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq";

TEST_CASE("throttling in the midst of a run flags those steps and the run",
          "[sweep][clean_rules]") {
  Board board;
  AfterEpoch observer([&](const EpochRecord& epoch) {
    // Now, from the end of epoch 2 to that of epoch 4.
    board.tree.Add(kThrottleWord, epoch.epoch == 2 || epoch.epoch == 3
                                      ? "50004\n"
                                      : "50000\n");
  });
  const SweepPosition position = board.Run(observer);
  CHECK(Warns(position, "throttled"));
  CHECK(FlaggedEpochs(board, StepFlag::kThrottled) == std::set<int64_t>{3, 4});
  for (const StepRecord& step : board.Steps()) {
    CHECK(step.board.throttled == step.flags.Has(StepFlag::kThrottled));
    CHECK(step.board.cpu_temp_celsius == 48.312);
  }
  const SummaryRecord summary = board.Summaries().at(0);
  CHECK(summary.steps == 300);
  CHECK(summary.flagged_steps >= 100);  // two epochs of 50, and other load
  CHECK(summary.flagged_steps ==
        std::ranges::count_if(board.Steps(), [](const StepRecord& step) {
          return step.flags.Disturbed() && !step.flags.Has(StepFlag::kWarmup);
        }));
}

TEST_CASE("a clock that drops flags those steps and the run",
          "[sweep][clean_rules]") {
  Board board;
  AfterEpoch observer([&](const EpochRecord& epoch) {
    board.tree.Add(kFrequency, epoch.epoch == 5 ? "1500000\n" : "1800000\n");
  });
  const SweepPosition position = board.Run(observer);
  CHECK(Warns(position, "slow_clock"));
  CHECK(FlaggedEpochs(board, StepFlag::kSlowClock) == std::set<int64_t>{6});
}

TEST_CASE("a calm board flags nothing of its state", "[sweep][clean_rules]") {
  Board board;
  SweepObserver quiet;
  const SweepPosition position = board.Run(quiet);
  for (const char* name : {"throttled", "slow_clock", "swap"}) {
    CHECK_FALSE(Warns(position, name));
  }
  const SummaryRecord summary = board.Summaries().at(0);
  CHECK(summary.warmup_steps == kWarmupSteps);
  CHECK(std::ranges::count_if(board.Steps(), [](const StepRecord& step) {
          return step.flags.Has(StepFlag::kWarmup);
        }) == kWarmupSteps);
}

TEST_CASE("without a sampler the board's cells are empty", "[sweep]") {
  Board board;
  board.config.sample_hz = 0.0;
  SweepObserver quiet;
  board.Run(quiet);
  for (const StepRecord& step : board.Steps()) {
    CHECK_FALSE(step.board.cpu_temp_celsius);
    CHECK_FALSE(step.board.rss_bytes);
    CHECK_FALSE(step.board.throttled);
  }
}

TEST_CASE("energy adds up from steps to epochs to the cell", "[sweep]") {
  Board board;
  MakeJetsonOrinNano(board.tree);
  SweepObserver quiet;
  board.Run(quiet);
  const auto epochs =
      ReadCsv<EpochRecord>(board.out.path() / "epochs.csv").value();
  const SummaryRecord summary = board.Summaries().at(0);
  // The fixture's power does not change.
  const double watts = board.Steps().back().board.power_watts.value();
  CHECK(watts > 1.0);
  double of_epochs = 0.0, of_steps = 0.0;
  for (const EpochRecord& epoch : epochs) {
    const double joules = epoch.train_energy_joules.value();
    CHECK(joules <= watts * static_cast<double>(epoch.train_time_ns) * 1e-9);
    of_epochs += joules;
  }
  for (const StepRecord& step : board.Steps()) {
    CHECK(std::abs(*step.board.energy_joules -
                   watts * static_cast<double>(step.step_time_ns) * 1e-9) <
          1e-9 * watts);
    of_steps += *step.board.energy_joules;
  }
  CHECK(of_steps <= of_epochs);
  CHECK(std::abs(summary.train_energy_joules.value() - of_epochs) <
        1e-9 * of_epochs);
}

TEST_CASE("over-current events are counted for the cell and flag nothing",
          "[sweep]") {
  Board board;
  MakeJetsonOrinNano(board.tree);
  AfterEpoch observer([&](const EpochRecord& epoch) {
    board.tree.Add("sys/class/hwmon/hwmon5/oc3_event_cnt",
                   std::to_string(3000 + 7 * epoch.epoch) + "\n");
  });
  const SweepPosition position = board.Run(observer);
  CHECK(board.Summaries().at(0).over_current_events.value_or(-1) == 42);
  CHECK_FALSE(Warns(position, "throttled"));
  Board pi;
  SweepObserver quiet;
  pi.Run(quiet);
  CHECK_FALSE(pi.Summaries().at(0).over_current_events);
}

TEST_CASE("evaluations within epochs lose no energy of training", "[sweep]") {
  Board board;
  MakeJetsonOrinNano(board.tree);
  board.config.val_every = EvaluationInterval{.steps = 3, .seconds = {}};
  SweepObserver quiet;
  board.Run(quiet);
  const auto steps = board.Steps();
  const auto epochs =
      ReadCsv<EpochRecord>(board.out.path() / "epochs.csv").value();
  const auto evaluations =
      ReadCsv<EvaluationRecord>(board.out.path() / "evaluations.csv").value();
  CHECK(std::ssize(evaluations) > steps.back().step / 3);
  // The fixture's power does not change.
  const double watts = steps.back().board.power_watts.value();
  double joules = 0.0;
  int64_t time_ns = 0;
  for (const EpochRecord& epoch : epochs) {
    joules += epoch.train_energy_joules.value();
    time_ns += epoch.train_time_ns;
  }
  int64_t step_time_ns = 0;
  for (const StepRecord& step : steps) step_time_ns += step.step_time_ns;
  CHECK(joules >= watts * static_cast<double>(step_time_ns) * 0.999999e-9);
  CHECK(joules <= watts * static_cast<double>(time_ns) * 1e-9);
  const EvaluationRecord& last = evaluations.back();
  CHECK(last.train_time_ns == time_ns);
  CHECK(std::abs(last.train_energy_joules.value() - joules) < 1e-9 * joules);
  for (size_t i = 1; i < evaluations.size(); ++i) {
    CHECK(evaluations[i].train_energy_joules.value() >
          evaluations[i - 1].train_energy_joules.value());
    CHECK(evaluations[i].train_time_ns > evaluations[i - 1].train_time_ns);
  }
}

TEST_CASE("the time to a target is that of the epochs up to it", "[sweep]") {
  Board board;
  board.config.target_accuracy = 0.0;  // the first epoch does
  SweepObserver quiet;
  board.Run(quiet);
  const auto epochs =
      ReadCsv<EpochRecord>(board.out.path() / "epochs.csv").value();
  CHECK(board.Summaries().at(0).time_to_target_ns == epochs[0].train_time_ns);
  CHECK_FALSE(board.Summaries().at(0).energy_to_target_joules);

  Board never;
  never.config.target_loss = 0.0;
  never.config.target_examples = 10;
  never.config.optimizer.learning_rate = 1e-9f;
  never.Run(quiet);
  CHECK_FALSE(never.Summaries().at(0).time_to_target_ns);
}

TEST_CASE("a cell waits for the board to cool, and says how long", "[sweep]") {
  class Fan : public SweepObserver {
   public:
    explicit Fan(Tree& tree) : tree_(tree) {}
    void OnCooling(const CellProgress&, double now_celsius,
                   double wanted_celsius) override {
      CHECK(now_celsius == 48.312);
      CHECK(wanted_celsius == 45.0);
      tree_.Add("sys/class/thermal/thermal_zone0/temp", "44000\n");
    }

   private:
    Tree& tree_;
  };
  Board board;
  board.config.cool_to_celsius = 45.0;
  Fan fan(board.tree);
  board.Run(fan);
  const SummaryRecord summary = board.Summaries().at(0);
  CHECK(summary.cool_wait_ns >= 400'000'000);
  CHECK(board.Steps().front().board.cpu_temp_celsius == 44.0);
}

TEST_CASE("soaking trains, and leaves no trace but time", "[sweep]") {
  Board cold, soaked;
  soaked.config.soak_seconds = 0.3;
  SweepObserver quiet;
  cold.Run(quiet);
  soaked.Run(quiet);
  CHECK(soaked.Summaries().at(0).total_time_ns >= 300'000'000);
  CHECK(soaked.Summaries().at(0).test_loss == cold.Summaries().at(0).test_loss);
  CHECK(soaked.Steps().size() == cold.Steps().size());
}

TEST_CASE("processes repeat the losses, not the times", "[sweep]") {
  Board board;
  board.config.processes = 2;
  SweepObserver quiet;
  board.Run(quiet);
  const auto summaries = board.Summaries();
  REQUIRE(summaries.size() == 2);
  CHECK(summaries[0].cell.process == 1);
  CHECK(summaries[1].cell.process == 2);
  CHECK(summaries[0].test_loss == summaries[1].test_loss);
  const auto steps = board.Steps();
  REQUIRE(steps.size() == 600);
  bool other_times = false;
  for (size_t i = 0; i < 300; ++i) {
    CHECK(steps[i].loss == steps[i + 300].loss);
    other_times |= steps[i].step_time_ns != steps[i + 300].step_time_ns;
  }
  CHECK(other_times);
}

#ifndef BATCHSWEEP_SANITIZED  // whose heap takes memory of its own
TEST_CASE("a small batch's peak of memory is not hidden by a large one's",
          "[sweep][memory_fit]") {
  if (BATCHSWEEP_TEST_EMULATED) SKIP("the system tells the emulator's memory");
  Board board;
  board.config.model = ParseKerasJson(FindZooModel("cnn")->json, "cnn").value();
  board.source = MakeSynthetic({.example_shape = {{28, 28, 1}},
                                .class_count = 10,
                                .train_size = 400,
                                .test_size = 50});
  board.config.batch_sizes = {256, 8};
  board.config.budget = {.steps = 3};
  SweepObserver quiet;
  board.Run(quiet);
  const auto summaries = board.Summaries();
  REQUIRE(summaries.size() == 2);
  const int64_t arenas = summaries[0].arena_bytes - summaries[1].arena_bytes;
  REQUIRE(arenas > 10 << 20);
  CHECK(summaries[0].peak_rss_bytes.value() -
            summaries[1].peak_rss_bytes.value() >
        arenas * 9 / 10);
}

TEST_CASE("the peak of memory is what was planned", "[sweep][memory_fit]") {
  if (BATCHSWEEP_TEST_EMULATED) SKIP("the system tells the emulator's memory");
  Board board;
  const char* name = GENERATE("mlp", "cnn", "lenet5", "resnet8");
  board.config.model = ParseKerasJson(FindZooModel(name)->json, name).value();
  board.source = MakeSynthetic({.example_shape = board.config.model.input_shape,
                                .class_count = 10,
                                .train_size = 400,
                                .test_size = 50});
  board.config.batch_sizes = {128, 8};
  board.config.budget = {.steps = 4};
  SweepObserver quiet;
  board.Run(quiet);
  for (const SummaryRecord& summary : board.Summaries()) {
    const int64_t planned = summary.planned_rss_bytes.value();
    const int64_t peak = summary.peak_rss_bytes.value();
    INFO(name << " batch " << summary.cell.batch_size << ": planned " << planned
              << ", peak " << peak);
    CHECK(std::abs(peak - planned) <= std::max<int64_t>(planned / 20, 4 << 20));
    CHECK(summary.rss_anon_bytes.value() <= peak);
  }
}
#endif

}  // namespace
}  // namespace batchsweep
