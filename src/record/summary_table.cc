#include "record/summary_table.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <functional>
#include <iterator>
#include <utility>

#include "record/json.h"

namespace batchsweep {
namespace {

template <class Value>
std::string FormatOrDash(const std::optional<Value>& value,
                         std::string (*format)(Value)) {
  return value ? format(*value) : "-";
}

std::string FormatJoules(double joules) {
  return std::format("{:.3g} J", joules);
}

// Four digits behind the point while they fit a narrow column.
std::string FormatLoss(double loss) {
  return std::abs(loss) < 1000 ? std::format("{:.4f}", loss)
                               : std::format("{:.4g}", loss);
}

std::string FormatPercent(double fraction) {
  return std::format("{:.0f} %", 100 * fraction);
}

std::string FormatCount(double count) { return std::format("{:.0f}", count); }

// A column of the summary; shown only if `wanted`. Of a high rank the first are
// left out where not all fit.
struct SummaryColumn {
  const char* heading;
  int rank;
  bool wanted;
  std::function<std::string(const SummaryRecord&)> cell;
};

// Whether not all of them have the same.
template <class Value>
bool Differ(std::span<const SummaryRecord> summaries, Value CellKey::* field) {
  return std::ranges::any_of(summaries, [&](const SummaryRecord& summary) {
    return summary.cell.*field != summaries.front().cell.*field;
  });
}

// Whether any has it.
template <class Value>
bool Has(std::span<const SummaryRecord> summaries,
         Value SummaryRecord::* field) {
  return std::ranges::any_of(summaries, [&](const SummaryRecord& summary) {
    return static_cast<bool>(summary.*field);
  });
}

// What tells the rows apart.
std::vector<SummaryColumn> KeyColumns(std::span<const SummaryRecord> all) {
  using Row = const SummaryRecord&;
  const float rate = all.front().learning_rate;
  const bool rates_differ =
      std::ranges::any_of(all, [&](Row r) { return r.learning_rate != rate; });
  return {{"batch", 0, true,
           [](Row r) { return std::format("{}", r.cell.batch_size); }},
          {"threads", 0, Differ(all, &CellKey::threads),
           [](Row r) { return std::format("{}", r.cell.threads); }},
          {"seed", 0, Differ(all, &CellKey::seed),
           [](Row r) { return std::format("{}", r.cell.seed); }},
          {"process", 0, Differ(all, &CellKey::process),
           [](Row r) { return std::format("{}", r.cell.process); }},
          {"learning\nrate", 1, rates_differ,
           [](Row r) { return std::format("{:.4g}", r.learning_rate); }}};
}

std::vector<SummaryColumn> ScoreColumns(std::span<const SummaryRecord> all) {
  using Row = const SummaryRecord&;
  return {{"val\nloss", 0, true,
           [](Row r) { return FormatOrDash(r.final_val_loss, FormatLoss); }},
          {"best\nloss", 6, true,
           [](Row r) { return FormatOrDash(r.best_val_loss, FormatLoss); }},
          {"val\nacc", 4, Has(all, &SummaryRecord::final_val_accuracy),
           [](Row r) { return OrDash(r.final_val_accuracy); }},
          {"test\nacc", 3, Has(all, &SummaryRecord::test_accuracy),
           [](Row r) { return OrDash(r.test_accuracy); }}};
}

std::vector<SummaryColumn> CostColumns(std::span<const SummaryRecord> all) {
  using R = SummaryRecord;
  using Row = const R&;
  // A column for what may be absent.
  const auto figure = [&]<class Value>(const char* heading, int rank,
                                       bool wanted,
                                       std::optional<Value> R::* field,
                                       std::string (*format)(Value)) {
    return SummaryColumn{heading, rank, wanted,
                         [=](Row r) { return FormatOrDash(r.*field, format); }};
  };
  const bool flagged = Has(all, &R::flagged_steps);
  return {{"step", 0, true,
           [](Row r) { return DurationOrDash(r.step_time_median_ns); }},
          {"flagged", 2, flagged,
           [](Row r) {
             return std::format("{:.1f} %",
                                100 * static_cast<double>(r.flagged_steps) /
                                    static_cast<double>(r.steps));
           }},
          figure("clean\nstep", 2, flagged, &R::clean_step_time_median_ns,
                 FormatDurationNs),
          figure("examples\n/s", 3, true, &R::examples_per_second, FormatCount),
          figure("of\nlimit", 4, true, &R::limit_fraction, FormatPercent),
          figure("energy", 2, Has(all, &R::train_energy_joules),
                 &R::train_energy_joules, FormatJoules),
          figure("to\ntarget", 1, Has(all, &R::time_to_target_ns),
                 &R::time_to_target_ns, FormatDurationNs),
          figure("peak\nRSS", 4, true, &R::peak_rss_bytes, FormatBytes),
          {"total", 5, true,
           [](Row r) { return FormatDurationNs(r.total_time_ns); }}};
}

}  // namespace

std::string SummaryTable(std::span<const SummaryRecord> summaries) {
  std::vector<TableColumn> columns;
  for (const auto& part : {KeyColumns(summaries), ScoreColumns(summaries),
                           CostColumns(summaries)}) {
    for (const SummaryColumn& column : part) {
      if (!column.wanted) continue;
      columns.push_back({.heading = column.heading, .rank = column.rank});
      std::ranges::transform(
          summaries, std::back_inserter(columns.back().cells), column.cell);
    }
  }
  return FittedTable(std::move(columns));
}

std::string SummaryJson(std::span<const SummaryRecord> summaries,
                        const std::optional<Advice>& advice) {
  const std::vector rows(summaries.begin(), summaries.end());
  Json json = {{"summary", ToJson(rows)}};
  if (advice) json["advice"] = ToJson(*advice);
  return json.dump(2) + "\n";
}

}  // namespace batchsweep
