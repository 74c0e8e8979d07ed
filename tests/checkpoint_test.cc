#include "sweep/checkpoint.h"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <functional>
#include <string>

#include "platform/file.h"
#include "record/json.h"
#include "record/sealed_json.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

SweepPosition SomePosition() {
  return {.cells_done = 3,
          .recorded = {.steps = {1000, 1}, .epochs = {300, 2}},
          .kept = {{.cell = 3,
                    .state = {.position = {.epoch = 2,
                                           .epoch_examples = 16,
                                           .step = 15},
                              .totals = {.epoch = {.steps = 2, .examples = 16},
                                         .epochs = 1}}}},
          .weights = {{"weights/a", {12, 34}}},
          .warnings = {{"throttled", "hot"}},
          .diverged_batches = {512},
          .weights_are_live = false,
          .limits = {{.threads = 2,
                      .limits = {.matmul_flops_per_second = 1e10,
                                 .update_bytes_per_second = 1.0 / 3.0}}}};
}

TEST_CASE("a sweep's position reads back as it was saved", "[checkpoint]") {
  const TempDir dir;
  SweepPosition position = SomePosition();
  REQUIRE(SavePosition(dir.path() / "checkpoint", position));
  CHECK(position.serial == 1);
  const SweepPosition read = ReadNewestState(dir.path() / "checkpoint").value();
  CHECK(ToJson(read) == ToJson(position));
  CHECK(read.limits[0].limits.update_bytes_per_second == 1.0 / 3.0);
  REQUIRE(read.UnderWay() != nullptr);
  CHECK(read.UnderWay()->state.position.step == 15);
  CHECK(read.Kept(2) == nullptr);
}

TEST_CASE("the last two checkpoints are kept", "[checkpoint]") {
  const TempDir dir;
  SweepPosition position = SomePosition();
  for (int i = 0; i < 12; ++i) REQUIRE(SavePosition(dir.path(), position));
  const auto states = ListStates(dir.path());
  REQUIRE(states.size() == 2);
  CHECK(states[0].filename() == "state-12.json");
  CHECK(states[1].filename() == "state-11.json");
}

TEST_CASE("tensors that one of the two checkpoints has are kept",
          "[checkpoint]") {
  const TempDir dir;
  SweepPosition position = SomePosition();
  const auto save_with = [&](int64_t tensors) {
    position.kept[0].tensors_serial = tensors;
    dir.Write("tensors-" + std::to_string(tensors) + ".safetensors", "x");
    REQUIRE(SavePosition(dir.path(), position));
  };
  const auto is_there = [&](int serial) {
    return std::filesystem::exists(
        dir.path() / ("tensors-" + std::to_string(serial) + ".safetensors"));
  };
  dir.Write("someone's.txt", "kept");
  save_with(1);
  save_with(2);
  CHECK(is_there(1));
  save_with(3);
  CHECK_FALSE(is_there(1));
  CHECK(is_there(2));
  CHECK(is_there(3));
  CHECK(std::filesystem::exists(dir.path() / "someone's.txt"));
}

TEST_CASE("a checkpoint that cannot be used is refused by its name",
          "[checkpoint]") {
  const TempDir dir;
  CHECK_FALSE(ReadNewestState(dir.path()));
  const std::string other_version = SealedText({{"version", 1}});
  for (const std::string& text :
       {std::string(), std::string("{}"), other_version,
        SealedText({{"version", 4}, {"cells_done", "three"}})}) {
    const auto path = dir.Write("state-7.json", text);
    const auto refused = ReadNewestState(dir.path());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.starts_with(path.string()));
  }
}

TEST_CASE("a position that cannot be is refused by what contradicts",
          "[checkpoint]") {
  constexpr int64_t kCells = 5, kExamples = 100;
  CHECK(CheckPosition(SomePosition(), kCells, kExamples));
  const auto refusal = [&](const std::function<void(SweepPosition&)>& spoil) {
    SweepPosition position = SomePosition();
    spoil(position);
    const Status status = CheckPosition(position, kCells, kExamples);
    return status ? std::string() : status.error().message;
  };
  CHECK(refusal([](auto& p) { p.cells_done = 6; }) == "cells_done is 6 of 5");
  CHECK(refusal([](auto& p) { p.cells_done = -1; }).contains("cells_done"));
  CHECK(refusal([](auto& p) {
          p.recorded.steps.bytes = -1;
        }).contains("recorded.steps"));
  CHECK(refusal([](auto& p) { p.kept[0].cell = 5; }).contains("cell is 5"));
  CHECK(refusal([](auto& p) {
          p.kept[0].tensors_serial = 1;
        }).contains("tensors_serial"));
  CHECK(refusal([](auto& p) {
          p.kept[0].history_steps = 16;
        }).contains("contradict"));
  CHECK(refusal([](auto& p) {
          p.kept[0].state.position.epoch = 3;
        }).contains("epoch is 3 after 1"));
  CHECK(refusal([](auto& p) {
          p.kept[0].state.position.epoch_examples = 24;
        }).contains("epoch_examples"));
  CHECK(refusal([](auto& p) {
          p.kept[0].state.position.epoch_examples = 101;
          p.kept[0].state.totals.epoch.examples = 101;
        }).contains("epoch_examples"));
  CHECK(refusal([](auto& p) {
          p.kept[0].state.totals.epoch.correct = 17;
        }).contains("contradict"));
  CHECK(refusal([](auto& p) {
          p.kept[0].state.totals.epoch.loss_sum = 0.0 / 0.0;
        }).contains("loss_sum"));
}

}  // namespace
}  // namespace batchsweep
