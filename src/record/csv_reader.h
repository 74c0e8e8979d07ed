// Reads back the tables that csv_writer.h writes.
#ifndef BATCHSWEEP_RECORD_CSV_READER_H_
#define BATCHSWEEP_RECORD_CSV_READER_H_

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "measure/step_flags.h"
#include "platform/error.h"
#include "platform/file.h"
#include "record/csv_writer.h"
#include "util/fields.h"

namespace batchsweep {

inline bool ParseFlags(std::string_view cell, StepFlags& flags) {
  flags = {};
  while (!cell.empty()) {
    const std::string_view name = cell.substr(0, cell.find('+'));
    cell.remove_prefix(std::min(name.size() + 1, cell.size()));
    int flag = 0;
    while (flag < kStepFlags && NameOf(static_cast<StepFlag>(flag)) != name) {
      ++flag;
    }
    if (flag == kStepFlags) return false;
    flags.Add(static_cast<StepFlag>(flag));
  }
  return true;
}

// Takes a cell off the front of `row`; false if it is not a Value.
template <class Value>
bool TakeCsvValue(std::string_view& row, Value& value) {
  const std::string_view cell = row.substr(0, row.find(','));
  row.remove_prefix(std::min(cell.size() + 1, row.size()));
  if constexpr (std::is_same_v<Value, StepFlags>) {
    return ParseFlags(cell, value);
  } else if constexpr (std::is_same_v<Value, bool>) {
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
    bool parsed = true;
    ForEachField(record, [&](std::string_view, auto& value) {
      parsed = parsed && TakeCsvValue(row, value);
    });
    if (!parsed || !row.empty()) {
      return Fail("{}: line {} is not a row of this table", path.string(),
                  line);
    }
    records.push_back(record);
  }
  return records;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_CSV_READER_H_
