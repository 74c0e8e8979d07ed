// The table at the end of a run, for people and, as JSON, for machines.
#ifndef BATCHSWEEP_RECORD_SUMMARY_TABLE_H_
#define BATCHSWEEP_RECORD_SUMMARY_TABLE_H_

#include <optional>
#include <span>
#include <string>

#include "record/advice.h"
#include "record/summary_record.h"
#include "record/text_table.h"

namespace batchsweep {

// A line a cell, of at most 80 columns, or, where there are several seeds, a
// line for each batch size and number of threads: medians over their cells, the
// range of the last validation losses, and scores in no more digits than the
// seeds' spread allows. summary.csv has all figures of each cell. Columns that
// would tell nothing are left out: of threads and processes if there is one of
// each, of what was not flagged or measured; then what matters least, until the
// rest fits. A figure that one of a line's cells does not have is a dash.
// REQUIRES: there is a cell.
std::string SummaryTable(std::span<const SummaryRecord> summaries);

// {"summary": [{"batch_size": 8, ...}, ...], "advice": {...}}, by the columns
// of summary.csv and the members of Advice; without advice if there is none.
std::string SummaryJson(std::span<const SummaryRecord> summaries,
                        const std::optional<Advice>& advice);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_SUMMARY_TABLE_H_
