#include "record/run_info.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "platform/file.h"
#include "record/earlier_run.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

RunInfo SomeInfo() {
  RunInfo info;
  info.command = "batchsweep run";
  info.started_utc = "2026-01-02T03:04:05Z";
  info.model = {.name = "mlp", .input_shape = "28x28", .parameters = 50'890};
  info.data = {.name = "fashion-mnist", .train_examples = 55'000};
  info.config = {{"batch_sizes", std::vector<int64_t>{8, 32}},
                 {"epochs", int64_t{10}},
                 {"steps", {}},
                 {"optimizer", "adam"},
                 {"learning_rate", 0.001},
                 {"nesterov", false}};
  return info;
}

TEST_CASE("run.json says what absent is and writes floats as given",
          "[run_info]") {
  const auto json = nlohmann::json::parse(RunInfoText(SomeInfo()));
  CHECK(json["schema_version"] == 6);
  CHECK(json["status"] == "running");
  CHECK(json["config"]["learning_rate"].dump() == "0.001");
  CHECK(json["config"]["steps"].is_null());
  CHECK(json["config"]["nesterov"] == false);
  CHECK(json["config"]["optimizer"] == "adam");
  for (const char* key : {"board", "soc", "governor", "power_mode",
                          "swap_total_bytes", "swap_used_bytes"}) {
    CHECK(json["system"][key].is_null());
  }
  CHECK(json["system"]["clocking"].dump() == "[]");
  CHECK(json["cpu"]["clusters"].dump() == "[]");
  CHECK(json["energy_grade"] == "none");
  CHECK(json["warnings"].empty());
}

TEST_CASE("run.json has the answer as soon as there is one", "[run_info]") {
  RunInfo info = SomeInfo();
  CHECK_FALSE(nlohmann::json::parse(RunInfoText(info)).contains("advice"));
  info.advice = {
      .sentences = {"8 is fastest."},
      .target = {{.value = 0.36}},
      .answers = {
          {.seeds = 3,
           .fastest = 8,
           .time_to_target_seconds = {{.batch_size = 8,
                                       .value = 0.5,
                                       .verdict = CostVerdict::kLeast}},
           .not_compared = {
               {.batch_size = 32, .reason = NotComparedReason::kNotReached}}}}};
  const auto json = nlohmann::json::parse(RunInfoText(info))["advice"];
  CHECK(json["sentences"][0] == "8 is fastest.");
  CHECK(json["target"]["measure"] == "val_loss");
  CHECK(json["largest_batch_size"].is_null());
  const auto& answer = json["answers"][0];
  CHECK(answer["fastest"] == 8);
  CHECK(answer["time_to_target_seconds"][0]["verdict"] == "least");
  CHECK(answer["time_to_target_seconds"][0]["low"].is_null());
  CHECK(answer["energy_to_target_joules"].empty());
  CHECK(answer["not_compared"][0]["reason"] == "not_reached");
}

TEST_CASE("run.json has the clusters and clocks of a board", "[run_info]") {
  RunInfo info = SomeInfo();
  info.cpu.clusters = {{.cores = 4, .core_name = "Cortex-A76"}, {.cores = 2}};
  info.system.clocking = {
      {.cores = {0, 1}, .governor = "ondemand", .max_freq_hz = 2.4e9}};
  info.swap = {.total_bytes = 1024, .used_bytes = 0};
  const auto json = nlohmann::json::parse(RunInfoText(info));
  CHECK(json["cpu"]["clusters"][0]["core_name"] == "Cortex-A76");
  CHECK(json["cpu"]["clusters"][1]["core_name"].is_null());
  CHECK(json["system"]["clocking"][0]["cores"].dump() == "[0,1]");
  CHECK(json["system"]["clocking"][0]["min_freq_hz"].is_null());
  CHECK(json["system"]["clocking"][0]["max_freq_hz"] == 2.4e9);
  CHECK(json["system"]["swap_total_bytes"] == 1024);
  CHECK(json["system"]["swap_used_bytes"] == 0);
}

TEST_CASE("bytes that are not UTF-8 do not stop a run", "[run_info]") {
  RunInfo info = SomeInfo();
  info.command = "batchsweep run --out \xff";
  CHECK_FALSE(
      nlohmann::json::parse(RunInfoText(info), nullptr, false).is_discarded());
}

TEST_CASE("a run is gone on with by the same settings only", "[run_info]") {
  const TempDir folder;
  const auto path = folder.path() / "run.json";
  RunInfo earlier = SomeInfo();
  earlier.warnings = {{"throttled", "hot"}};
  REQUIRE(WriteRunInfo(path, earlier));

  RunInfo same = SomeInfo();
  same.command = "batchsweep run --resume";
  same.started_utc = "2026-01-03T00:00:00Z";
  REQUIRE(AdoptEarlierRun(path, OtherMachine::kRefuse, same));
  CHECK(same.started_utc == earlier.started_utc);
  CHECK(same.command == earlier.command);
  CHECK(same.warnings == earlier.warnings);

  RunInfo other = SomeInfo();
  other.config[0].value = std::vector<int64_t>{8, 64};
  const auto refused = AdoptEarlierRun(path, OtherMachine::kGoOn, other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("config batch_sizes was [8,32]"));
  CHECK(refused.error().message.contains("now it is [8,64]"));
}

TEST_CASE("more epochs are gone on with, fewer are refused", "[run_info]") {
  const TempDir folder;
  const auto path = folder.path() / "run.json";
  REQUIRE(WriteRunInfo(path, SomeInfo()));
  const auto adopt = [&](int64_t epochs) {
    RunInfo info = SomeInfo();
    info.config[1].value = epochs;
    return AdoptEarlierRun(path, OtherMachine::kRefuse, info);
  };
  CHECK_FALSE(adopt(10).value().more_epochs);
  CHECK(adopt(11).value().more_epochs);
  const auto refused = adopt(9);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("config epochs was 10, now it is 9"));
}

TEST_CASE("another program or CPU is refused, or gone on with and told",
          "[run_info]") {
  const TempDir folder;
  const auto path = folder.path() / "run.json";
  REQUIRE(WriteRunInfo(path, SomeInfo()));
  RunInfo other = SomeInfo();
  other.cpu.model_name = "another CPU";
  const auto refused = AdoptEarlierRun(path, OtherMachine::kRefuse, other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("cpu model_name was \"\""));
  CHECK(refused.error().message.contains("--resume-anyway"));
  other.build.git_revision = "abc";
  const auto found = AdoptEarlierRun(path, OtherMachine::kGoOn, other).value();
  REQUIRE(found.differences.size() == 2);
  CHECK(found.differences[0].name == "resumed_elsewhere");
  CHECK(found.differences[0].message.contains("git_revision"));
}

TEST_CASE("a run.json that was changed is refused", "[run_info]") {
  const TempDir folder;
  REQUIRE(WriteRunInfo(folder.path() / "run.json", SomeInfo()));
  std::string text = ReadFile(folder.path() / "run.json").value();
  REQUIRE(CheckRunInfo(folder.path() / "run.json"));
  text.replace(text.find("fashion"), 7, "Fashion");
  folder.Write("run.json", text);
  RunInfo info = SomeInfo();
  const auto refused =
      AdoptEarlierRun(folder.path() / "run.json", OtherMachine::kGoOn, info);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("is not as it was written"));
}

TEST_CASE("a run.json of another version or none at all is refused",
          "[run_info]") {
  const TempDir folder;
  RunInfo info = SomeInfo();
  for (const char* text : {"", "{", "[]"}) {
    const auto path = folder.Write("run.json", text);
    const auto refused = AdoptEarlierRun(path, OtherMachine::kGoOn, info);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.contains("is not as it was written"));
  }
  const auto path = folder.Write("run.json", "{\"schema_version\": 2}");
  const auto refused = AdoptEarlierRun(path, OtherMachine::kGoOn, info);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("schema version 6"));
}

TEST_CASE("a run.json of a million brackets is refused", "[run_info]") {
  const TempDir folder;
  const std::string deep = std::string(1'000'000, '[');
  for (const std::string& text :
       {"{\"schema_version\": " + deep + std::string(1'000'000, ']') + "}",
        deep}) {
    CHECK_FALSE(CheckRunInfo(folder.Write("run.json", text)));
  }
}

}  // namespace
}  // namespace batchsweep
