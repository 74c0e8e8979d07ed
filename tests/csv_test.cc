#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "record/csv_reader.h"
#include "record/recorder.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

StepRecord FullStep() {
  return {.cell = {.batch_size = 8, .seed = 2, .threads = 1, .process = 2},
          .epoch = 3,
          .step = 400,
          .examples = 7,
          .loss = 0.1f,
          .accuracy = 0.875f,
          .start_unix_ns = 1'795'456'770'618'890'288,
          .step_time_ns = 10,
          .load_time_ns = 1,
          .forward_time_ns = 2,
          .backward_time_ns = 3,
          .update_time_ns = 4,
          .arena_bytes = 1024,
          .board = {.rss_bytes = 4096,
                    .peak_rss_bytes = 8192,
                    .swap_bytes = 512,
                    .cpu_temp_celsius = 51.5,
                    .cpu_freq_hz = 2.4e9,
                    .throttled = true,
                    .power_watts = 3.25,
                    .energy_joules = 0.5},
          .flags = {.bits = 0b101}};
}

TEST_CASE("the header names the fields in order", "[csv]") {
  CHECK(CsvHeader<StepRecord>() ==
        "batch_size,seed,threads,process,epoch,step,examples,loss,accuracy,"
        "start_unix_ns,step_time_ns,load_time_ns,forward_time_ns,"
        "backward_time_ns,update_time_ns,arena_bytes,rss_bytes,peak_rss_bytes,"
        "swap_bytes,cpu_temp_celsius,cpu_freq_hz,throttled,power_watts,"
        "energy_joules,flags\n");
}

TEST_CASE("a row has every value in its shortest form", "[csv]") {
  std::string rows;
  AppendCsvRow(FullStep(), rows);
  CHECK(rows ==
        "8,2,1,2,3,400,7,0.1,0.875,1795456770618890288,10,1,2,3,4,1024,4096,"
        "8192,512,51.5,2.4e+09,1,3.25,0.5,warmup+throttled\n");
}

TEST_CASE("an absent reading is an empty cell, never 0", "[csv]") {
  StepRecord step = FullStep();
  step.board.rss_bytes = step.board.peak_rss_bytes = std::nullopt;
  step.board.cpu_temp_celsius = step.board.cpu_freq_hz =
      step.board.power_watts = std::nullopt;
  step.board.swap_bytes = std::nullopt;
  step.board.throttled = std::nullopt;
  step.board.energy_joules = std::nullopt;
  step.flags = {};
  std::string rows;
  AppendCsvRow(step, rows);
  CHECK(rows ==
        "8,2,1,2,3,400,7,0.1,0.875,1795456770618890288,10,1,2,3,4,1024,,,,,,,,,"
        "\n");
}

TEST_CASE("the widest values fit into a row", "[csv]") {
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  constexpr double kLong = -2.2250738585072014e-308;
  StepRecord step = FullStep();
  step.cell.batch_size = step.epoch = step.step = step.examples = kLowest;
  step.arena_bytes = step.step_time_ns = kLowest;
  step.board.rss_bytes = step.board.peak_rss_bytes = kLowest;
  step.board.cpu_temp_celsius = step.board.cpu_freq_hz =
      step.board.power_watts = kLong;
  step.loss = -std::numeric_limits<float>::denorm_min();
  std::string rows;
  AppendCsvRow(step, rows);
  CHECK(rows.contains("-9223372036854775808"));
  CHECK(rows.ends_with("-2.2250738585072014e-308,0.5,warmup+throttled\n"));
}

TEST_CASE("all flags fit into a cell, and an unknown one is refused", "[csv]") {
  StepRecord step = FullStep();
  step.flags.bits = (1 << kStepFlags) - 1;
  std::string rows = CsvHeader<StepRecord>();
  AppendCsvRow(step, rows);
  CHECK(rows.ends_with(
      ",warmup+part_batch+throttled+slow_clock+swap+major_fault+load\n"));
  const TempDir folder;
  const auto path = folder.Write("steps.csv", rows);
  CHECK(ReadCsv<StepRecord>(path).value().at(0).flags == step.flags);
  rows.replace(rows.find("+load"), 5, "+lazy");
  folder.Write("steps.csv", rows);
  CHECK(ReadCsv<StepRecord>(path).error().message.contains("line 2"));
}

TEST_CASE("what was written reads back the same", "[csv]") {
  const TempDir folder;
  auto recorder = Recorder::Create(folder.path()).value();
  const SummaryRecord first{.cell = {.batch_size = 8, .seed = 1},
                            .best_val_loss = 1.0 / 3.0,
                            .peak_rss_bytes = 77};
  const SummaryRecord second{
      .cell = {.batch_size = 32},
      .final_val_loss = std::numeric_limits<double>::quiet_NaN(),
      .total_time_ns = 5};
  REQUIRE(recorder.AppendSummary(first));
  REQUIRE(recorder.AppendSummary(second));
  const auto read =
      ReadCsv<SummaryRecord>(folder.path() / "summary.csv").value();
  REQUIRE(read.size() == 2);
  CHECK(read[0].best_val_loss == 1.0 / 3.0);
  CHECK(read[0].peak_rss_bytes == 77);
  CHECK(read[1].cell.batch_size == 32);
  CHECK(read[1].final_val_loss != read[1].final_val_loss);
  CHECK_FALSE(read[1].peak_rss_bytes);
  CHECK(read[1].total_time_ns == 5);
}

TEST_CASE("a table that is not ours is refused with its line", "[csv]") {
  const TempDir folder;
  const auto header = CsvHeader<EpochRecord>();
  const std::string row = "8,1,1,1,1,10,0.5,0.8,0.4,0.9,100,200,,,,,\n";
  const auto error_of = [&](const std::string& text) {
    const auto path = folder.Write("epochs.csv", text);
    const auto read = ReadCsv<EpochRecord>(path);
    return read ? std::string() : read.error().message;
  };
  CHECK(error_of(header + row).empty());
  CHECK(error_of("a,b\n").contains("line 1"));
  CHECK(error_of(header + row + "8,1,1,1\n").contains("line 3"));
  CHECK(error_of(header + "8,1,1,1,1,10,x,0.8,0.4,0.9,100,200,,,,,\n")
            .contains("line 2"));
  CHECK(error_of(header + "8,1,1,1,1,10,0.5,0.8,0.4,0.9,100,200,7,7,7,7,7,7\n")
            .contains("line 2"));
}

}  // namespace
}  // namespace batchsweep
