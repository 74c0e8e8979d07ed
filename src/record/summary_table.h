// The table at the end of a run, for people and, as JSON, for machines.
#ifndef BATCHSWEEP_RECORD_SUMMARY_TABLE_H_
#define BATCHSWEEP_RECORD_SUMMARY_TABLE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "record/summary_record.h"

namespace batchsweep {

// Rows of cells as lines whose columns align to the right; the first row is the
// heading, ruled off from the rest.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows);

// With four digits; "-" if absent.
std::string OrDash(std::optional<double> value);

// A line a cell. Columns that would tell nothing are left out: of threads,
// seeds and processes if there is one of each, of what was not flagged or
// measured.
std::string SummaryTable(std::span<const SummaryRecord> summaries);

// {"summary": [{"batch_size": 8, ...}, ...]}, by the columns of summary.csv.
std::string SummaryJson(std::span<const SummaryRecord> summaries);

// 1234567 -> "1.2 MiB"
std::string FormatBytes(int64_t bytes);
// 23456 -> "23.5 us", with a unit that leaves one to three digits in front.
std::string FormatDurationNs(int64_t duration_ns);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_SUMMARY_TABLE_H_
