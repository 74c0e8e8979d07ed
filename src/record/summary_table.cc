#include "record/summary_table.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

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

std::string SummaryTable(std::span<const SummaryRecord> summaries) {
  const bool seeds = std::ranges::any_of(summaries, [&](const auto& summary) {
    return summary.seed != summaries.front().seed;
  });
  const bool threads = std::ranges::any_of(summaries, [&](const auto& summary) {
    return summary.threads != summaries.front().threads;
  });
  std::vector<std::vector<std::string>> rows;
  rows.push_back({"batch"});
  if (threads) rows[0].push_back("threads");
  if (seeds) rows[0].push_back("seed");
  rows[0].insert(
      rows[0].end(),
      {"val loss", "best", "at", "val acc", "test acc", "epochs", "steps",
       "step", "p95", "examples/s", "of limit", "arena", "peak RSS", "total"});
  for (const SummaryRecord& summary : summaries) {
    std::vector<std::string> row = {std::to_string(summary.batch_size)};
    if (threads) row.push_back(std::to_string(summary.threads));
    if (seeds) row.push_back(std::to_string(summary.seed));
    row.insert(
        row.end(),
        {std::format("{:.4f}", summary.final_val_loss),
         std::format("{:.4f}", summary.best_val_loss),
         std::format("{}", summary.best_epoch),
         OrDash(summary.final_val_accuracy), OrDash(summary.test_accuracy),
         std::format("{}", summary.epochs), std::format("{}", summary.steps),
         FormatDurationNs(summary.step_time_median_ns),
         FormatDurationNs(summary.step_time_p95_ns),
         std::format("{:.0f}", summary.examples_per_second),
         std::format("{:.0f} %", 100 * summary.limit_fraction),
         FormatBytes(summary.arena_bytes),
         summary.peak_rss_bytes ? FormatBytes(*summary.peak_rss_bytes) : "-",
         FormatDurationNs(summary.total_time_ns)});
    rows.push_back(std::move(row));
  }
  return AlignedTable(rows);
}

std::string SummaryJson(std::span<const SummaryRecord> summaries) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const SummaryRecord& summary : summaries) {
    nlohmann::ordered_json row;
    const auto add = [&](const auto& column) {
      if constexpr (requires { (summary.*column.field).has_value(); }) {
        if (const auto& value = summary.*column.field) {
          row[column.name] = *value;
        } else {
          row[column.name] = nullptr;
        }
      } else {
        row[column.name] = summary.*column.field;
      }
    };
    std::apply([&](const auto&... columns) { (..., add(columns)); },
               ColumnsOf(&summary));
    rows.push_back(std::move(row));
  }
  return nlohmann::ordered_json{{"summary", rows}}.dump(2) + "\n";
}

}  // namespace batchsweep
