// Tables and figures as text for a terminal.
#ifndef BATCHSWEEP_RECORD_TEXT_TABLE_H_
#define BATCHSWEEP_RECORD_TEXT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace batchsweep {

// Of a terminal that nobody widened.
inline constexpr size_t kTableColumns = 80;

// Rows of cells as lines whose columns align to the right; the first row is the
// heading, ruled off from the rest. REQUIRES: all rows have as many cells.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows);

struct TableColumn {
  std::string heading;  // of one line or several
  int rank = 0;         // 0 matters most
  std::vector<std::string> cells = {};
};
// The same of columns, without those of the highest rank that do not fit 80
// columns. REQUIRES: there is one column; all have as many cells.
std::string FittedTable(std::vector<TableColumn> columns);

// 1234567 -> "1.2 MiB"
std::string FormatBytes(int64_t bytes);
// 23456 -> "23.5 us", with a unit that leaves one to three digits in front.
std::string FormatDurationNs(int64_t duration_ns);
// "-" if absent.
std::string DurationOrDash(std::optional<int64_t> duration_ns);

// With four digits; "-" if absent or not finite.
std::string OrDash(std::optional<double> value);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_TEXT_TABLE_H_
