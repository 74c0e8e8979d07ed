#include "record/process_spread.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <map>

#include "measure/statistics.h"
#include "record/summary_table.h"

namespace batchsweep {

std::vector<ProcessSpread> SpreadOfProcesses(
    std::span<const SummaryRecord> summaries) {
  std::map<std::string, std::vector<float>> medians;  // by the cell's name
  std::vector<CellKey> cells;
  for (const SummaryRecord& summary : summaries) {
    if (!summary.step_time_median_ns) continue;
    CellKey cell = summary.cell;
    cell.process = 1;
    std::vector<float>& values = medians[CellName(cell)];
    if (values.empty()) cells.push_back(cell);
    values.push_back(static_cast<float>(*summary.step_time_median_ns));
  }
  std::vector<ProcessSpread> spreads;
  for (const CellKey& cell : cells) {
    std::vector<float>& values = medians[CellName(cell)];
    if (values.size() < 2) continue;
    const Interval interval = MedianInterval(values);
    const auto [least, greatest] = std::ranges::minmax(values);
    spreads.push_back(
        {.cell = cell,
         .processes = static_cast<int>(values.size()),
         .step_time_median_ns = std::llround(Quantile(values, 0.5)),
         .step_time_median_low_ns = std::llround(interval.low),
         .step_time_median_high_ns = std::llround(interval.high),
         .least_step_time_median_ns = std::llround(least),
         .greatest_step_time_median_ns = std::llround(greatest)});
  }
  return spreads;
}

std::string SpreadTable(std::span<const ProcessSpread> spreads) {
  if (spreads.empty()) return "";
  // The two ends can be told from summary.csv, and go first if it is too wide.
  TableColumn cells{"cell"}, medians{"median\nstep"}, lows{"95 %\nfrom"},
      highs{"95 %\nto"}, least{"least", 1}, greatest{"greatest", 1},
      widths{"spread"};
  for (const ProcessSpread& spread : spreads) {
    const double width =
        static_cast<double>(spread.greatest_step_time_median_ns -
                            spread.least_step_time_median_ns) /
        static_cast<double>(spread.step_time_median_ns);
    cells.cells.push_back(CellName(spread.cell));
    medians.cells.push_back(FormatDurationNs(spread.step_time_median_ns));
    lows.cells.push_back(FormatDurationNs(spread.step_time_median_low_ns));
    highs.cells.push_back(FormatDurationNs(spread.step_time_median_high_ns));
    least.cells.push_back(FormatDurationNs(spread.least_step_time_median_ns));
    greatest.cells.push_back(
        FormatDurationNs(spread.greatest_step_time_median_ns));
    widths.cells.push_back(std::format("{:.1f} %", 100 * width));
  }
  return FittedTable({cells, medians, lows, highs, least, greatest, widths});
}

}  // namespace batchsweep
