#include "record/recorder.h"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <vector>

#include "platform/file.h"
#include "record/csv_reader.h"
#include "record/run_info.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

TEST_CASE("counts have a table where there was one from the start",
          "[recorder]") {
  const CounterRecord count = {.cell = {.batch_size = 8, .threads = 2},
                               .step = 3,
                               .counts = {.phase = "load"}};
  for (const bool counters : {false, true}) {
    const TempDir folder;
    REQUIRE(WriteRunInfo(folder.path() / "run.json", RunInfo()));
    auto recorder = Recorder::Create(folder.path(), counters).value();
    CHECK(recorder.AppendCounters(std::vector{count}));
    auto resumed = Recorder::Resume(folder.path(), recorder.recorded()).value();
    CHECK(resumed.AppendCounters(std::vector{count}));
    const auto table = ReadFile(folder.path() / "counters.csv");
    CHECK(table.has_value() == counters);
    if (counters) CHECK(table->ends_with("8,0,2,1,0,3,load,0,,,,\n"));
  }
}

TEST_CASE("a resumed table goes on behind the rows that count", "[recorder]") {
  const TempDir folder;
  REQUIRE(WriteRunInfo(folder.path() / "run.json", RunInfo()));
  const auto epochs_of = [&] {
    return ReadCsv<EpochRecord>(folder.path() / "epochs.csv").value();
  };
  RecordedTables recorded;
  {
    auto recorder = Recorder::Create(folder.path()).value();
    REQUIRE(recorder.AppendEpoch({.epoch = 1}));
    recorded = recorder.recorded();
    REQUIRE(recorder.AppendEpoch({.epoch = 2}));
  }
  CHECK(epochs_of().size() == 2);
  auto recorder = Recorder::Resume(folder.path(), recorded).value();
  REQUIRE(recorder.AppendEpoch({.epoch = 3}));
  REQUIRE(recorder.Sync());
  REQUIRE(epochs_of().size() == 2);
  CHECK(epochs_of()[1].epoch == 3);
}

// An earlier run's folder, with rows behind those that count.
struct EarlierRun {
  TempDir folder;
  RecordedTables recorded;

  EarlierRun() {
    REQUIRE(WriteRunInfo(folder.path() / "run.json", RunInfo()));
    auto recorder = Recorder::Create(folder.path(), /*counters=*/true).value();
    REQUIRE(recorder.AppendEpoch({.epoch = 1}));
    recorded = recorder.recorded();
    REQUIRE(recorder.AppendSteps(std::vector<StepRecord>(3)));
    REQUIRE(recorder.AppendEpoch({.epoch = 2}));
  }

  std::string Read(const char* file) const {
    return ReadFile(folder.path() / file).value_or("");
  }

  // What CheckTables() says; REQUIREs that it fails and changes no file.
  std::string Refusal() const {
    const std::vector files = {"run.json",   "steps.csv",       "counters.csv",
                               "epochs.csv", "evaluations.csv", "summary.csv"};
    std::vector<std::string> before, after;
    for (const char* file : files) before.push_back(Read(file));
    const auto resumed = CheckTables(folder.path(), recorded);
    for (const char* file : files) after.push_back(Read(file));
    CHECK(after == before);
    REQUIRE_FALSE(resumed);
    CHECK_FALSE(resumed.error().message.contains('\n'));
    return resumed.error().message;
  }
};

TEST_CASE("a table with other columns is not gone on with", "[recorder]") {
  EarlierRun run;
  // The last one that is checked, so that none before it may be cut off.
  const std::string summary = run.Read("summary.csv");
  std::string other = summary;
  other.replace(other.find("epochs"), 6, "rounds");
  run.folder.Write("summary.csv", other);
  const std::string refusal = run.Refusal();
  CHECK(
      refusal.contains("summary.csv: column 10 is \"rounds\", expected "
                       "\"epochs\""));
  CHECK(refusal.contains("--out"));

  run.folder.Write("summary.csv",
                   summary.substr(0, summary.size() - 1) + ",new_column\n");
  CHECK(run.Refusal().contains("is \"new_column\", expected \"\""));
  run.folder.Write("summary.csv", summary.substr(0, summary.rfind(',')) + "\n");
  CHECK(run.Refusal().contains("is \"\", expected \"total_time_ns\""));
  run.folder.Write("summary.csv", summary.substr(0, summary.size() - 1));
  CHECK(run.Refusal().contains("no end"));
  run.folder.Write("summary.csv", summary);
  CHECK(CheckTables(run.folder.path(), run.recorded));
}

TEST_CASE("a run without one of its tables is not gone on with", "[recorder]") {
  for (const char* file : {"steps.csv", "counters.csv", "epochs.csv",
                           "evaluations.csv", "summary.csv"}) {
    const EarlierRun run;
    std::filesystem::remove(run.folder.path() / file);
    const std::string refusal = run.Refusal();
    CHECK(refusal.contains(std::string(file) + ": No such file"));
    CHECK(refusal.contains("expected a table of at least"));
  }
}

TEST_CASE("a table that lost rows is not gone on with", "[recorder]") {
  const EarlierRun run;
  std::string epochs = run.Read("epochs.csv");
  epochs.resize(static_cast<size_t>(run.recorded.epochs.bytes) - 1);
  run.folder.Write("epochs.csv", epochs);
  CHECK(run.Refusal().contains(
      std::format("epochs.csv: holds {} bytes, expected the {} that were "
                  "recorded",
                  run.recorded.epochs.bytes - 1, run.recorded.epochs.bytes)));
}

TEST_CASE("a table of which a recorded row was changed is not gone on with",
          "[recorder]") {
  for (const char* file : {"steps.csv", "counters.csv", "epochs.csv",
                           "evaluations.csv", "summary.csv"}) {
    const EarlierRun run;
    const std::string text = run.Read(file);
    const size_t recorded = text.find('\n') + 1;
    std::string changed = text;
    changed[recorded - 2] ^= 4;
    run.folder.Write(file, changed);
    CHECK(run.Refusal().contains(file));
  }
  // What stands behind the recorded rows is cut off, whatever it is.
  const EarlierRun run;
  std::string steps = run.Read("steps.csv");
  steps.back() ^= 4;
  run.folder.Write("steps.csv", steps);
  CHECK(CheckTables(run.folder.path(), run.recorded));
}

TEST_CASE("tables of another schema version are not gone on with",
          "[recorder]") {
  const EarlierRun run;
  std::string json = run.Read("run.json");
  const std::string version = std::format("{}", kSchemaVersion);
  json.replace(json.find(": " + version) + 2, version.size(), "1");
  run.folder.Write("run.json", json);
  CHECK(run.Refusal().contains(
      std::format("run.json: has schema version 1, expected schema version {}",
                  kSchemaVersion)));
  std::filesystem::remove(run.folder.path() / "run.json");
  CHECK(run.Refusal().contains("run.json"));
}

}  // namespace
}  // namespace batchsweep
