#include "record/text_table.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <ranges>

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
  const int64_t seconds = duration_ns / 1'000'000'000;
  if (seconds >= 3600) {
    return std::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
  }
  if (seconds >= 60) {
    return std::format("{} min {:02} s", seconds / 60, seconds % 60);
  }
  return InUnits(static_cast<double>(duration_ns), 1000,
                 {"ns", "us", "ms", "s"});
}

namespace {

std::vector<std::string> LinesOf(const std::string& heading) {
  return heading | std::views::split('\n') |
         std::ranges::to<std::vector<std::string>>();
}

size_t WidthOf(const TableColumn& column) {
  size_t width = 0;
  for (const std::string& line : LinesOf(column.heading)) {
    width = std::max(width, line.size());
  }
  for (const std::string& cell : column.cells) {
    width = std::max(width, cell.size());
  }
  return width;
}

size_t WidthOf(const std::vector<TableColumn>& columns) {
  constexpr size_t kGap = 2;
  size_t width = 0;
  for (const TableColumn& column : columns) width += WidthOf(column) + kGap;
  return width - kGap;
}

// One line of the table: a text of each column.
std::string Line(const std::vector<TableColumn>& columns, const auto& text_of) {
  std::string line;
  for (const TableColumn& column : columns) {
    line += std::format("{}{:>{}}", line.empty() ? "" : "  ", text_of(column),
                        WidthOf(column));
  }
  return line + '\n';
}

// The headings' last lines stand above the rule.
std::string Headings(const std::vector<TableColumn>& columns) {
  size_t height = 0;
  for (const TableColumn& column : columns) {
    height = std::max(height, LinesOf(column.heading).size());
  }
  std::string text;
  for (size_t left = height; left > 0; --left) {
    text += Line(columns, [&](const TableColumn& column) {
      const auto lines = LinesOf(column.heading);
      return left > lines.size() ? std::string() : lines[lines.size() - left];
    });
  }
  return text + Line(columns, [](const TableColumn& column) {
           return std::string(WidthOf(column), '-');
         });
}

std::string TextOf(const std::vector<TableColumn>& columns) {
  std::string text = Headings(columns);
  for (size_t row = 0; row < columns.front().cells.size(); ++row) {
    text += Line(columns,
                 [&](const TableColumn& column) { return column.cells[row]; });
  }
  return text;
}

}  // namespace

std::string AlignedTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<TableColumn> columns;
  for (size_t i = 0; i < rows.front().size(); ++i) {
    columns.push_back({.heading = rows.front()[i]});
    for (const auto& row : rows | std::views::drop(1)) {
      columns.back().cells.push_back(row[i]);
    }
  }
  return TextOf(columns);
}

std::string FittedTable(std::vector<TableColumn> columns) {
  while (columns.size() > 1 && WidthOf(columns) > kTableColumns) {
    // Of several that matter least the last.
    const auto least = std::ranges::max_element(columns | std::views::reverse,
                                                {}, &TableColumn::rank);
    columns.erase(std::prev(least.base()));
  }
  return TextOf(columns);
}

std::string DurationOrDash(std::optional<int64_t> duration_ns) {
  return duration_ns ? FormatDurationNs(*duration_ns) : "-";
}

std::string OrDash(std::optional<double> value) {
  return value && std::isfinite(*value) ? std::format("{:.4f}", *value) : "-";
}

}  // namespace batchsweep
