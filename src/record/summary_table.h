// The table at the end of a run, for people and, as JSON, for machines.
#ifndef BATCHSWEEP_RECORD_SUMMARY_TABLE_H_
#define BATCHSWEEP_RECORD_SUMMARY_TABLE_H_

#include <span>
#include <string>

#include "record/summary_record.h"
#include "record/text_table.h"

namespace batchsweep {

// A line a cell, of at most 80 columns; summary.csv has all figures. Columns
// that would tell nothing are left out: of threads, seeds and processes if
// there is one of each, of what was not flagged or measured; then what matters
// least, until the rest fits. REQUIRES: there is one.
std::string SummaryTable(std::span<const SummaryRecord> summaries);

// {"summary": [{"batch_size": 8, ...}, ...]}, by the columns of summary.csv.
std::string SummaryJson(std::span<const SummaryRecord> summaries);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_SUMMARY_TABLE_H_
