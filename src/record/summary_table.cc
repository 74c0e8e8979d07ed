#include "record/summary_table.h"

#include <algorithm>
#include <format>
#include <functional>

#include "record/json.h"

namespace batchsweep {
namespace {

// `value` in the largest unit of which there is at least one.
template <size_t N>
std::string InUnits(double value, double step, const char* const (&units)[N]) {
  size_t unit = 0;
  while (unit + 1 < N && value >= step) {
    value /= step;
    ++unit;
  }
  return std::format("{:.{}f} {}", value,
                     unit == 0     ? 0
                     : value < 100 ? 1
                                   : 0,
                     units[unit]);
}

}  // namespace

std::string FormatBytes(int64_t bytes) {
  return InUnits(static_cast<double>(bytes), 1024,
                 {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string FormatDurationNs(int64_t duration_ns) {
  if (duration_ns >= 60'000'000'000) {
    const int64_t seconds = duration_ns / 1'000'000'000;
    return std::format("{} min {:02} s", seconds / 60, seconds % 60);
  }
  return InUnits(static_cast<double>(duration_ns), 1000,
                 {"ns", "us", "ms", "s"});
}

std::string AlignedTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string table;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < rows[r].size(); ++i) {
      table +=
          std::format("{}{:>{}}", i == 0 ? "" : "  ", rows[r][i], widths[i]);
    }
    table += '\n';
    if (r > 0) continue;
    for (size_t i = 0; i < widths.size(); ++i) {
      table += std::string(i == 0 ? 0 : 2, ' ') + std::string(widths[i], '-');
    }
    table += '\n';
  }
  return table;
}

std::string OrDash(std::optional<double> value) {
  return value ? std::format("{:.4f}", *value) : "-";
}

namespace {

template <class Value>
std::string FormatOrDash(const std::optional<Value>& value,
                         std::string (*format)(Value)) {
  return value ? format(*value) : "-";
}

std::string FormatJoules(double joules) {
  return std::format("{:.3g} J", joules);
}

// A column of the summary; shown only if `wanted`.
struct SummaryColumn {
  const char* heading;
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

std::vector<SummaryColumn> ColumnsFor(std::span<const SummaryRecord> all) {
  using Row = const SummaryRecord&;
  const bool flagged = Has(all, &SummaryRecord::flagged_steps);
  return {
      {"batch", true,
       [](Row r) { return std::format("{}", r.cell.batch_size); }},
      {"threads", Differ(all, &CellKey::threads),
       [](Row r) { return std::format("{}", r.cell.threads); }},
      {"seed", Differ(all, &CellKey::seed),
       [](Row r) { return std::format("{}", r.cell.seed); }},
      {"process", Differ(all, &CellKey::process),
       [](Row r) { return std::format("{}", r.cell.process); }},
      {"val loss", true,
       [](Row r) { return std::format("{:.4f}", r.final_val_loss); }},
      {"best", true,
       [](Row r) { return std::format("{:.4f}", r.best_val_loss); }},
      {"at", true, [](Row r) { return std::format("{}", r.best_epoch); }},
      {"val acc", true, [](Row r) { return OrDash(r.final_val_accuracy); }},
      {"test acc", true, [](Row r) { return OrDash(r.test_accuracy); }},
      {"epochs", true, [](Row r) { return std::format("{}", r.epochs); }},
      {"steps", true, [](Row r) { return std::format("{}", r.steps); }},
      {"step", true,
       [](Row r) { return FormatDurationNs(r.step_time_median_ns); }},
      {"p95", true, [](Row r) { return FormatDurationNs(r.step_time_p95_ns); }},
      {"flagged", flagged,
       [](Row r) {
         return std::format("{:.1f} %",
                            100 * static_cast<double>(r.flagged_steps) /
                                static_cast<double>(r.steps));
       }},
      {"clean step", flagged,
       [](Row r) {
         return FormatOrDash(r.clean_step_time_median_ns, FormatDurationNs);
       }},
      {"examples/s", true,
       [](Row r) { return std::format("{:.0f}", r.examples_per_second); }},
      {"of limit", true,
       [](Row r) { return std::format("{:.0f} %", 100 * r.limit_fraction); }},
      {"energy", Has(all, &SummaryRecord::train_energy_joules),
       [](Row r) { return FormatOrDash(r.train_energy_joules, FormatJoules); }},
      {"to target", Has(all, &SummaryRecord::time_to_target_ns),
       [](Row r) {
         return FormatOrDash(r.time_to_target_ns, FormatDurationNs);
       }},
      {"arena", true, [](Row r) { return FormatBytes(r.arena_bytes); }},
      {"peak RSS", true,
       [](Row r) { return FormatOrDash(r.peak_rss_bytes, FormatBytes); }},
      {"total", true, [](Row r) { return FormatDurationNs(r.total_time_ns); }},
  };
}

}  // namespace

std::string SummaryTable(std::span<const SummaryRecord> summaries) {
  std::vector<std::vector<std::string>> rows(summaries.size() + 1);
  for (const SummaryColumn& column : ColumnsFor(summaries)) {
    if (!column.wanted) continue;
    rows[0].push_back(column.heading);
    for (size_t i = 0; i < summaries.size(); ++i) {
      rows[i + 1].push_back(column.cell(summaries[i]));
    }
  }
  return AlignedTable(rows);
}

std::string SummaryJson(std::span<const SummaryRecord> summaries) {
  const std::vector rows(summaries.begin(), summaries.end());
  return Json{{"summary", ToJson(rows)}}.dump(2) + "\n";
}

}  // namespace batchsweep
