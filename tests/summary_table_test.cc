#include "record/summary_table.h"

#include <catch2/catch_test_macros.hpp>

namespace batchsweep {
namespace {

const SummaryRecord kSummary = {
    .cell = {.batch_size = 8, .seed = 1, .threads = 1},
    .epochs = 10,
    .steps = 68750,
    .best_val_loss = 0.3123,
    .best_epoch = 6,
    .final_val_loss = 0.3456,
    .final_val_accuracy = 0.8846,
    .test_loss = 0.36,
    .test_accuracy = 0.8789,
    .step_time_median_ns = 23'456,
    .step_time_p95_ns = 31'000,
    .examples_per_second = 341'064.3,
    .arena_bytes = 1'042'880,
    .total_time_ns = 2'345'678'901};

TEST_CASE("sizes and times are told in units that read well", "[summary]") {
  CHECK(FormatBytes(0) == "0 B");
  CHECK(FormatBytes(1023) == "1023 B");
  CHECK(FormatBytes(1536) == "1.5 KiB");
  CHECK(FormatBytes(200 * 1024) == "200 KiB");
  CHECK(FormatBytes(int64_t{3} << 30) == "3.0 GiB");
  CHECK(FormatDurationNs(999) == "999 ns");
  CHECK(FormatDurationNs(23'456) == "23.5 us");
  CHECK(FormatDurationNs(234'560) == "235 us");
  CHECK(FormatDurationNs(2'345'678'901) == "2.3 s");
  CHECK(FormatDurationNs(61'000'000'000) == "1 min 01 s");
}

TEST_CASE("columns align to the right below their headings", "[summary]") {
  CHECK(AlignedTable({{"a", "long"}, {"1234", "5"}}) ==
        "   a  long\n"
        "----  ----\n"
        "1234     5\n");
}

TEST_CASE("the summary shows every figure once", "[summary]") {
  const std::string table = SummaryTable(std::vector{kSummary});
  for (const char* figure :
       {"0.3123", "0.3456", "0.8846", "0.8789", "68750", "23.5 us", "31.0 us",
        "341064", "1018 KiB", "2.3 s"}) {
    INFO(figure);
    CHECK(table.contains(figure));
  }
  CHECK_FALSE(table.contains("seed"));
}

TEST_CASE("seeds are told apart when there are several", "[summary]") {
  SummaryRecord other = kSummary;
  other.cell.seed = 2;
  CHECK(SummaryTable(std::vector{kSummary, other}).contains("seed"));
}

TEST_CASE("the JSON summary has the columns of summary.csv", "[summary]") {
  const std::string json = SummaryJson(std::vector{kSummary});
  CHECK(json.contains("\"batch_size\": 8"));
  CHECK(json.contains("\"step_time_median_ns\": 23456"));
  CHECK(json.contains("\"peak_rss_bytes\": null"));
}

TEST_CASE("a cell is named by what tells it from others", "[summary]") {
  CHECK(CellName({.batch_size = 8, .seed = 1, .threads = 1}) == "batch 8");
  CHECK(CellName({.batch_size = 8, .seed = 2, .threads = 4, .process = 3}) ==
        "batch 8, 4 threads, seed 2, process 3");
}

TEST_CASE("what was flagged or measured has columns, what was not has none",
          "[summary]") {
  const std::string plain = SummaryTable(std::vector{kSummary});
  SummaryRecord other = kSummary;
  other.cell.process = 2;
  other.flagged_steps = 6875;
  other.clean_step_time_median_ns = 22'222;
  other.train_energy_joules = 12.34;
  other.time_to_target_ns = 1'500'000'000;
  const std::string all = SummaryTable(std::vector{kSummary, other});
  for (const char* heading :
       {"process", "flagged", "clean step", "energy", "to target"}) {
    INFO(heading);
    CHECK_FALSE(plain.contains(heading));
    CHECK(all.contains(heading));
  }
  for (const char* figure : {"10.0 %", "22.2 us", "12.3 J", "1.5 s", " - "}) {
    INFO(figure);
    CHECK(all.contains(figure));
  }
}

}  // namespace
}  // namespace batchsweep
