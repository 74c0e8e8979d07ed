#include "record/summary_table.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <optional>
#include <vector>

#include "record/seed_spread.h"

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
    .limit_time_ns = 10'000,
    .limit_fraction = 0.426,
    .arena_bytes = 1'042'880,
    .peak_rss_bytes = 62 << 20,
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
  CHECK(FormatDurationNs(7'261'000'000'000) == "2 h 01 min");
}

TEST_CASE("columns align to the right below their headings", "[summary]") {
  CHECK(AlignedTable({{"a", "long"}, {"1234", "5"}}) ==
        "   a  long\n"
        "----  ----\n"
        "1234     5\n");
}

TEST_CASE("a heading may have several lines, of which the last are level",
          "[summary]") {
  CHECK(FittedTable({{.heading = "val\nloss", .cells = {"1", "2"}},
                     {.heading = "step", .cells = {"12345", "5"}}}) ==
        " val       \n"
        "loss   step\n"
        "----  -----\n"
        "   1  12345\n"
        "   2      5\n");
}

TEST_CASE("of columns that do not fit those that matter least are left out",
          "[summary]") {
  const auto column = [](const char* heading, int rank) {
    return TableColumn{heading, rank, {std::string(24, 'x')}};
  };
  const std::string table = FittedTable(
      {column("a", 0), column("b", 2), column("c", 1), column("d", 2)});
  CHECK(table.contains("a"));
  CHECK(table.contains("b"));  // 3 x 24 + 2 x 2 are 76 columns
  CHECK(table.contains("c"));
  CHECK_FALSE(table.contains("d"));
}

TEST_CASE("the summary shows what matters of a cell", "[summary]") {
  const std::string table = SummaryTable(std::vector{kSummary});
  for (const char* figure : {"0.3123", "0.3456", "0.8846", "0.8789", "23.5 us",
                             "341064", "43 %", "62.0 MiB", "2.3 s"}) {
    INFO(figure);
    CHECK(table.contains(figure));
  }
  CHECK_FALSE(table.contains("seed"));
}

// Three seeds of a batch size, whose last losses lie 0.04 apart.
std::vector<SummaryRecord> ThreeSeeds() {
  std::vector<SummaryRecord> rows(3, kSummary);
  for (size_t i = 0; i < 3; ++i) rows[i].cell.seed = i + 1;
  rows[0].final_val_loss = 0.3812;
  rows[1].final_val_loss = 0.3456;
  rows[2].final_val_loss = 0.3412;
  rows[2].step_time_median_ns = 20'000;
  rows[1].step_time_median_ns = 40'000;
  return rows;
}

TEST_CASE("seeds share a line of medians and the range of their losses",
          "[summary]") {
  std::vector<SummaryRecord> rows = ThreeSeeds();
  const std::string table = SummaryTable(rows);
  INFO(table);
  CHECK(std::ranges::count(table, '\n') == 2 + 1 + 1 + 1);
  CHECK(table.contains(" 0.35  0.34-0.38 "));
  CHECK(table.contains("23.5 us"));
  CHECK(table.ends_with(
      "Medians of 3 seeds; \"of the seeds\": lowest to highest val loss.\n"));
  // Where all agree digits are as of one seed.
  CHECK(table.contains("0.8846"));
  // Batch sizes and numbers of threads have lines of their own.
  rows.push_back(kSummary);
  rows.back().cell.batch_size = 32;
  rows.push_back(kSummary);
  rows.back().cell.threads = 2;
  const std::string more = SummaryTable(rows);
  CHECK(std::ranges::count(more, '\n') == 2 + 1 + 3 + 1);
  CHECK(more.contains("Medians of 1 to 3 seeds"));
}

TEST_CASE("a figure that a seed does not have is a dash for all of them",
          "[summary]") {
  std::vector<SummaryRecord> rows = ThreeSeeds();
  rows[1].final_val_loss.reset();
  CHECK(SummaryTable(rows).contains("     -       - "));
}

TEST_CASE("a median has no more digits than half the range of its seeds",
          "[summary]") {
  const auto text = [](double low, double median, double high) {
    const SeedSpread spread = {.median = median, .low = low, .high = high};
    return MedianText(spread, 4) + " " + RangeText(spread, 4);
  };
  CHECK(text(0.3301, 0.3328, 0.3412) == "0.333 0.330-0.341");
  CHECK(text(0.3301, 0.3328, 0.3512) == "0.33 0.33-0.35");
  CHECK(text(0.3328, 0.3328, 0.3328) == "0.3328 0.3328-0.3328");
  CHECK(text(0.33281, 0.33282, 0.33283) == "0.3328 0.3328-0.3328");
  CHECK(text(1.0, 12.345, 33.0) == "12 1-33");
  CHECK(text(-1.5e300, 2.0, 3e300) == "2 -1.5e+300-3e+300");
  const std::vector<std::optional<double>> even = {4.0, 1.0, 2.0, 3.0};
  CHECK(SpreadOf(even)->median == 2.5);
  CHECK(SpreadOf(std::vector<std::optional<double>>{7.0})->median == 7.0);
  CHECK_FALSE(SpreadOf(std::vector<std::optional<double>>{7.0, std::nullopt}));
  CHECK_FALSE(SpreadOf({}));
}

TEST_CASE("the JSON summary has the columns of summary.csv", "[summary]") {
  const std::string json = SummaryJson(std::vector{kSummary}, std::nullopt);
  CHECK(json.contains("\"batch_size\": 8"));
  CHECK(json.contains("\"step_time_median_ns\": 23456"));
  CHECK(json.contains("\"swap_bytes\": null"));
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
       {"process", "flagged", "clean", "energy", "target"}) {
    INFO(heading);
    CHECK_FALSE(plain.contains(heading));
    CHECK(all.contains(heading));
  }
  for (const char* figure : {"10.0 %", "22.2 us", "12.3 J", "1.5 s", " - "}) {
    INFO(figure);
    CHECK(all.contains(figure));
  }
}

bool Fits80Columns(const std::string& text) {
  size_t column = 0;
  for (const char c : text) {
    column = c == '\n' ? 0 : column + 1;
    if (column > 80) return false;
  }
  return true;
}

TEST_CASE("every line of the summary fits 80 columns", "[summary]") {
  SummaryRecord plain = kSummary;
  CHECK(Fits80Columns(SummaryTable(std::vector{plain})));
  // A sweep of everything, on a board that flags and measures everything.
  SummaryRecord other = kSummary;
  other.cell = {
      .batch_size = 16'384, .seed = 100, .threads = 16, .process = 10};
  other.learning_rate = 0.0226274f;
  other.final_val_loss = 12.3456;
  other.flagged_steps = 68'000;
  other.step_time_median_ns = 987'000'000;
  other.clean_step_time_median_ns = 987'000'000;
  other.train_energy_joules = 12'345.6;
  other.time_to_target_ns = 1'234'567'000'000;
  other.peak_rss_bytes = 1000 << 20;
  other.total_time_ns = 98'765'432'000'000;
  const std::string table = SummaryTable(std::vector{plain, other});
  INFO(table);
  CHECK(Fits80Columns(table));
  for (const char* heading :
       {"batch", "threads", "of the", "seeds", "rate", "loss", "step"}) {
    INFO(heading);
    CHECK(table.contains(heading));
  }
  // And of one seed in many processes.
  other.cell.seed = 1;
  const std::string processes = SummaryTable(std::vector{plain, other});
  CHECK(Fits80Columns(processes));
  for (const char* heading : {"batch", "threads", "process", "loss", "step"}) {
    INFO(heading);
    CHECK(processes.contains(heading));
  }
  // The widest numbers that flags and losses can have.
  other.cell = {.batch_size = 1'000'000,
                .seed = 10'000,
                .threads = 1'024,
                .process = 1'000};
  other.learning_rate = 1e38f;
  other.final_val_loss = other.best_val_loss = -1.2345e300;
  other.time_to_target_ns = other.total_time_ns = int64_t{1} << 62;
  CHECK(Fits80Columns(SummaryTable(std::vector{plain, other})));
}

TEST_CASE("what was not known is a dash", "[summary]") {
  SummaryRecord unknown = kSummary;
  unknown.step_time_median_ns.reset();
  unknown.examples_per_second.reset();
  unknown.limit_fraction.reset();
  const std::string table = SummaryTable(std::vector{unknown});
  CHECK_FALSE(table.contains("%"));
  CHECK_FALSE(table.contains("ns"));
  CHECK(table.contains(" -"));
}

TEST_CASE("learning rates are shown where a rule makes them differ",
          "[summary]") {
  SummaryRecord one = kSummary;
  one.learning_rate = 0.0005f;
  CHECK_FALSE(SummaryTable(std::vector{one}).contains("rate"));
  SummaryRecord other = kSummary;
  other.cell.batch_size = 32;
  other.learning_rate = 0.001f;
  const std::string table = SummaryTable(std::vector{one, other});
  CHECK(table.contains("rate"));
  CHECK(table.contains("0.0005"));
  CHECK(SummaryJson(std::vector{one}, std::nullopt)
            .contains("\"learning_rate\": 0.0005,"));
}

}  // namespace
}  // namespace batchsweep
