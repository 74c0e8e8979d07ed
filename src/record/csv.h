// Records as comma-separated rows: one header line, then a row a record,
// nothing quoted because nothing needs it. Numbers are the shortest text that
// reads back as the same value; a yes or no is 1 or 0.
#ifndef BATCHSWEEP_RECORD_CSV_H_
#define BATCHSWEEP_RECORD_CSV_H_

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "platform/error.h"
#include "platform/file.h"
#include "record/records.h"

namespace batchsweep {

template <class Record>
std::string CsvHeader() {
  std::string header;
  std::apply(
      [&](const auto&... columns) {
        (..., (header += columns.name, header += ','));
      },
      ColumnsOf(static_cast<const Record*>(nullptr)));
  header.back() = '\n';
  return header;
}

// Writes `value` at `end`, which must have 32 bytes of room; returns the new
// end.
template <class Value>
char* WriteCsvValue(char* end, Value value) {
  return std::to_chars(end, end + 32, value).ptr;
}
inline char* WriteCsvValue(char* end, bool value) {
  *end = value ? '1' : '0';
  return end + 1;
}
template <class Value>
char* WriteCsvValue(char* end, const std::optional<Value>& value) {
  return value ? WriteCsvValue(end, *value) : end;
}

template <class Record>
void AppendCsvRow(const Record& record, std::string& rows) {
  std::apply(
      [&](const auto&... columns) {
        char row[sizeof...(columns) * 33];
        char* end = row;
        (..., (end = WriteCsvValue(end, record.*columns.field), *end++ = ','));
        end[-1] = '\n';
        rows.append(row, end);
      },
      ColumnsOf(&record));
}

// Takes a cell off the front of `row`; false if it is not a Value.
template <class Value>
bool TakeCsvValue(std::string_view& row, Value& value) {
  const std::string_view cell = row.substr(0, row.find(','));
  row.remove_prefix(std::min(cell.size() + 1, row.size()));
  if constexpr (std::is_same_v<Value, bool>) {
    value = cell == "1";
    return value || cell == "0";
  } else {
    const char* end = cell.data() + cell.size();
    const auto parsed = std::from_chars(cell.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end;
  }
}
template <class Value>
bool TakeCsvValue(std::string_view& row, std::optional<Value>& value) {
  if (!row.empty() && row.front() != ',') {
    return TakeCsvValue(row, value.emplace());
  }
  row.remove_prefix(std::min<size_t>(1, row.size()));
  return true;
}

// Reads back a table of ours. An error names the file and the first line that
// is not a row of Record.
template <class Record>
Result<std::vector<Record>> ReadCsv(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<Record> records;
  std::string_view rest = text;
  for (int line = 1; !rest.empty(); ++line) {
    std::string_view row = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(row.size() + 1, rest.size()));
    if (line == 1) {
      if (std::string(row) + '\n' == CsvHeader<Record>()) continue;
      return Fail("{}: line 1 is not the header line of this version",
                  path.string());
    }
    Record record;
    const bool parsed = std::apply(
        [&](const auto&... columns) {
          return (... && TakeCsvValue(row, record.*columns.field));
        },
        ColumnsOf(&record));
    if (!parsed || !row.empty()) {
      return Fail("{}: line {} is not a row of this table", path.string(),
                  line);
    }
    records.push_back(record);
  }
  return records;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_CSV_H_
