// How far the same cell's times differ from process to process: by where its
// memory and code happen to lie, and by what else the machine did.
#ifndef BATCHSWEEP_RECORD_PROCESS_SPREAD_H_
#define BATCHSWEEP_RECORD_PROCESS_SPREAD_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "record/cell.h"
#include "record/summary_record.h"
#include "util/fields.h"

namespace batchsweep {

// How the median step times of one cell's processes lie.
struct ProcessSpread {
  CellKey cell;  // of the first of them
  int processes = 0;
  int64_t step_time_median_ns = 0;
  int64_t step_time_median_low_ns = 0;   // 95 % confidence interval, see
  int64_t step_time_median_high_ns = 0;  // MedianInterval()
  int64_t least_step_time_median_ns = 0;
  int64_t greatest_step_time_median_ns = 0;

  static constexpr auto Fields() {
    using S = ProcessSpread;
    return FieldList<&S::cell, &S::processes, &S::step_time_median_ns,
                     &S::step_time_median_low_ns, &S::step_time_median_high_ns,
                     &S::least_step_time_median_ns,
                     &S::greatest_step_time_median_ns>();
  }
};

// For each cell that ran more than once, in the order of their first rows.
std::vector<ProcessSpread> SpreadOfProcesses(
    std::span<const SummaryRecord> summaries);

// As aligned lines under a heading; empty without any.
std::string SpreadTable(std::span<const ProcessSpread> spreads);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_PROCESS_SPREAD_H_
