#include "record/process_spread.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <map>
#include <tuple>

#include "measure/statistics.h"
#include "record/summary_table.h"

namespace batchsweep {

std::vector<ProcessSpread> SpreadOfProcesses(
    std::span<const SummaryRecord> summaries) {
  using Key = std::tuple<int64_t, uint64_t, int>;
  std::map<Key, std::vector<float>> medians;
  std::vector<Key> order;
  for (const SummaryRecord& summary : summaries) {
    const Key key(summary.batch_size, summary.seed, summary.threads);
    if (!medians.contains(key)) order.push_back(key);
    medians[key].push_back(static_cast<float>(summary.step_time_median_ns));
  }
  std::vector<ProcessSpread> spreads;
  for (const Key& key : order) {
    std::vector<float>& values = medians[key];
    if (values.size() < 2) continue;
    const Interval interval = MedianInterval(values);
    const auto [least, greatest] = std::ranges::minmax(values);
    spreads.push_back({.batch_size = std::get<0>(key),
                       .seed = std::get<1>(key),
                       .threads = std::get<2>(key),
                       .processes = static_cast<int>(values.size()),
                       .median_ns = std::llround(Quantile(values, 0.5)),
                       .median_low_ns = std::llround(interval.low),
                       .median_high_ns = std::llround(interval.high),
                       .least_ns = std::llround(least),
                       .greatest_ns = std::llround(greatest)});
  }
  return spreads;
}

std::string SpreadTable(std::span<const ProcessSpread> spreads) {
  if (spreads.empty()) return "";
  std::vector<std::vector<std::string>> rows = {
      {"cell", "processes", "median step", "95 % interval", "least", "greatest",
       "spread"}};
  for (const ProcessSpread& spread : spreads) {
    const double width =
        static_cast<double>(spread.greatest_ns - spread.least_ns) /
        static_cast<double>(spread.median_ns);
    rows.push_back({CellName({.batch_size = spread.batch_size,
                              .seed = spread.seed,
                              .threads = spread.threads}),
                    std::format("{}", spread.processes),
                    FormatDurationNs(spread.median_ns),
                    FormatDurationNs(spread.median_low_ns) + " to " +
                        FormatDurationNs(spread.median_high_ns),
                    FormatDurationNs(spread.least_ns),
                    FormatDurationNs(spread.greatest_ns),
                    std::format("{:.1f} %", 100 * width)});
  }
  return AlignedTable(rows);
}

}  // namespace batchsweep
