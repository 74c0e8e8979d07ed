#include "record/summary_table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <format>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "record/json.h"
#include "record/seed_spread.h"

namespace batchsweep {
namespace {

using Row = const SummaryRecord&;
// The cells of a line of the table: one, or the seeds and processes of a batch
// size and number of threads.
using Rows = std::span<const SummaryRecord>;

// Digits behind the point of losses and accuracies, where the seeds' spread
// does not take any.
constexpr int kDecimals = 4;

// A column of the summary; shown only if `wanted`. Of a high rank the first are
// left out where not all fit.
struct SummaryColumn {
  std::string heading;
  int rank;
  bool wanted;
  std::function<std::string(Rows)> cell;
};

// Whether not all of them have the same.
template <class Value>
bool Differ(Rows summaries, Value CellKey::* field) {
  return std::ranges::any_of(summaries, [&](Row summary) {
    return summary.cell.*field != summaries.front().cell.*field;
  });
}

// Whether any has it.
template <class Value>
bool Has(Rows summaries, Value SummaryRecord::* field) {
  return std::ranges::any_of(summaries, [&](Row summary) {
    return static_cast<bool>(summary.*field);
  });
}

// Over the cells of a line.
template <class Value>
std::optional<SeedSpread> SpreadOver(Rows rows, Value SummaryRecord::* field) {
  std::vector<std::optional<double>> values;
  for (Row row : rows) {
    const std::optional value = row.*field;
    values.push_back(value ? std::optional(static_cast<double>(*value))
                           : std::nullopt);
  }
  return SpreadOf(values);
}

// The median as `format` has it; a dash where a cell does not have the figure.
template <class Value, class Text>
auto Median(std::optional<Value> SummaryRecord::* field, const Text& format) {
  return [=](Rows rows) {
    const auto spread = SpreadOver(rows, field);
    return spread ? format(spread->median) : std::string("-");
  };
}

std::string FormatTime(double time_ns) {
  return FormatDurationNs(std::llround(time_ns));
}
std::string FormatMemory(double bytes) {
  return FormatBytes(std::llround(bytes));
}
std::string FormatJoules(double joules) {
  return std::format("{:.3g} J", joules);
}
std::string FormatPercent(double fraction) {
  return std::format("{:.0f} %", 100 * fraction);
}
std::string FormatCount(double count) { return std::format("{:.0f}", count); }

// A score in as many digits as the seeds' spread allows.
auto Score(std::optional<double> SummaryRecord::* field) {
  return [=](Rows rows) {
    const auto spread = SpreadOver(rows, field);
    return spread ? MedianText(*spread, kDecimals) : "-";
  };
}

auto ScoreRange(std::optional<double> SummaryRecord::* field) {
  return [=](Rows rows) {
    const auto spread = SpreadOver(rows, field);
    return spread ? RangeText(*spread, kDecimals) : "-";
  };
}

// A column for what tells lines apart.
template <class Value>
SummaryColumn KeyColumn(const char* heading, bool wanted,
                        Value CellKey::* field) {
  return {heading, 0, wanted, [=](Rows rows) {
            return std::format("{}", rows.front().cell.*field);
          }};
}

std::vector<SummaryColumn> KeyColumns(Rows all, bool of_seeds) {
  const float rate = all.front().learning_rate;
  const bool rates_differ =
      std::ranges::any_of(all, [&](Row r) { return r.learning_rate != rate; });
  return {
      KeyColumn("batch", true, &CellKey::batch_size),
      KeyColumn("threads", Differ(all, &CellKey::threads), &CellKey::threads),
      KeyColumn("process", !of_seeds && Differ(all, &CellKey::process),
                &CellKey::process),
      {"learning\nrate", 1, rates_differ, [](Rows rows) {
         return std::format("{:.4g}", rows.front().learning_rate);
       }}};
}

std::vector<SummaryColumn> ScoreColumns(Rows all, bool of_seeds) {
  using R = SummaryRecord;
  return {
      {"val\nloss", 0, true, Score(&R::final_val_loss)},
      {"of the\nseeds", 1, of_seeds, ScoreRange(&R::final_val_loss)},
      {"best\nloss", 6, true, Score(&R::best_val_loss)},
      {"val\nacc", 4, Has(all, &R::final_val_accuracy),
       Score(&R::final_val_accuracy)},
      {"test\nacc", 3, Has(all, &R::test_accuracy), Score(&R::test_accuracy)}};
}

std::string FlaggedPercent(Rows rows) {
  double flagged = 0.0, steps = 0.0;
  for (Row row : rows) {
    flagged += static_cast<double>(row.flagged_steps);
    steps += static_cast<double>(row.steps);
  }
  return std::format("{:.1f} %", 100 * flagged / steps);
}

std::vector<SummaryColumn> CostColumns(Rows all) {
  using R = SummaryRecord;
  const bool flagged = Has(all, &R::flagged_steps);
  return {
      {"step", 0, true, Median(&R::step_time_median_ns, FormatTime)},
      {"flagged", 2, flagged, FlaggedPercent},
      {"clean\nstep", 2, flagged,
       Median(&R::clean_step_time_median_ns, FormatTime)},
      {"examples\n/s", 3, true, Median(&R::examples_per_second, FormatCount)},
      {"of\nlimit", 4, true, Median(&R::limit_fraction, FormatPercent)},
      {"energy", 2, Has(all, &R::train_energy_joules),
       Median(&R::train_energy_joules, FormatJoules)},
      {"to\ntarget", 1, Has(all, &R::time_to_target_ns),
       Median(&R::time_to_target_ns, FormatTime)},
      {"peak\nRSS", 4, true, Median(&R::peak_rss_bytes, FormatMemory)},
      {"total", 5, true, [](Rows rows) {
         return FormatTime(SpreadOver(rows, &R::total_time_ns)->median);
       }}};
}

// The cells of each line, in the order of their first rows.
std::vector<std::vector<SummaryRecord>> LinesOf(Rows all, bool of_seeds) {
  std::vector<std::vector<SummaryRecord>> lines;
  for (Row row : all) {
    const auto found = std::ranges::find_if(lines, [&](const auto& line) {
      return of_seeds && line.front().cell.batch_size == row.cell.batch_size &&
             line.front().cell.threads == row.cell.threads;
    });
    if (found == lines.end()) {
      lines.push_back({row});
    } else {
      found->push_back(row);
    }
  }
  return lines;
}

size_t SeedsOf(Rows rows) {
  std::set<uint64_t> seeds;
  for (Row row : rows) seeds.insert(row.cell.seed);
  return seeds.size();
}

// What a line stands for. An interrupted run may have more seeds of some.
std::string SeedsText(const std::vector<std::vector<SummaryRecord>>& lines) {
  size_t fewest = SeedsOf(lines.front()), most = fewest;
  for (const auto& line : lines) {
    fewest = std::min(fewest, SeedsOf(line));
    most = std::max(most, SeedsOf(line));
  }
  const std::string count = fewest == most
                                ? std::format("{}", most)
                                : std::format("{} to {}", fewest, most);
  return std::format(
      "Medians of {} seeds; \"of the seeds\": lowest to highest val loss.\n",
      count);
}

}  // namespace

std::string SummaryTable(std::span<const SummaryRecord> summaries) {
  const bool of_seeds = Differ(summaries, &CellKey::seed);
  const auto lines = LinesOf(summaries, of_seeds);
  std::vector<TableColumn> columns;
  for (const auto& part :
       {KeyColumns(summaries, of_seeds), ScoreColumns(summaries, of_seeds),
        CostColumns(summaries)}) {
    for (const SummaryColumn& column : part) {
      if (!column.wanted) continue;
      columns.push_back({.heading = column.heading, .rank = column.rank});
      std::ranges::transform(lines, std::back_inserter(columns.back().cells),
                             column.cell);
    }
  }
  return FittedTable(std::move(columns)) + (of_seeds ? SeedsText(lines) : "");
}

std::string SummaryJson(std::span<const SummaryRecord> summaries,
                        const std::optional<Advice>& advice) {
  const std::vector rows(summaries.begin(), summaries.end());
  Json json = {{"summary", ToJson(rows)}};
  if (advice) json["advice"] = ToJson(*advice);
  return json.dump(2) + "\n";
}

}  // namespace batchsweep
