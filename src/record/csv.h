// Records as comma-separated rows: one header line, then a row a record,
// nothing quoted because nothing needs it. Numbers are the shortest text that
// reads back as the same value; a yes or no is 1 or 0; flags are names joined
// by "+".
#ifndef BATCHSWEEP_RECORD_CSV_H_
#define BATCHSWEEP_RECORD_CSV_H_

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
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

// The longest text of a value: all flags.
inline constexpr size_t kCsvValueBytes = 64;

// Writes `value` at `end`, which must have kCsvValueBytes of room; returns the
// new end.
template <class Value>
char* WriteCsvValue(char* end, Value value) {
  return std::to_chars(end, end + 32, value).ptr;
}
inline char* WriteCsvValue(char* end, bool value) {
  *end = value ? '1' : '0';
  return end + 1;
}
inline char* WriteCsvValue(char* end, const char* value) {
  return std::ranges::copy(std::string_view(value), end).out;
}
inline char* WriteCsvValue(char* end, StepFlags value) {
  char* const begin = end;
  for (size_t i = 0; i < kStepFlags; ++i) {
    if (!value.Has(static_cast<StepFlag>(i))) continue;
    if (end != begin) *end++ = '+';
    end = WriteCsvValue(end, kStepFlagNames[i]);
  }
  return end;
}
template <class Value>
char* WriteCsvValue(char* end, const std::optional<Value>& value) {
  return value ? WriteCsvValue(end, *value) : end;
}

template <class Record>
void AppendCsvRow(const Record& record, std::string& rows) {
  std::apply(
      [&](const auto&... columns) {
        char row[sizeof...(columns) * (kCsvValueBytes + 1)];
        char* end = row;
        (..., (end = WriteCsvValue(end, record.*columns.field), *end++ = ','));
        end[-1] = '\n';
        rows.append(row, end);
      },
      ColumnsOf(&record));
}

// Appends rows of which many values are those of the row before. Floats are
// what takes time to write, so their text is kept.
template <class Record>
class CsvRows {
 public:
  void Append(const Record& record, std::string& rows) {
    char row[kColumns * (kCsvValueBytes + 1)];
    char* end = row;
    size_t column = 0;
    std::apply(
        [&](const auto&... columns) {
          (..., (end = Write(record.*columns.field, texts_[column++], end),
                 *end++ = ','));
        },
        ColumnsOf(&record));
    end[-1] = '\n';
    rows.append(row, end);
  }

 private:
  static constexpr size_t kColumns = std::tuple_size_v<decltype(ColumnsOf(
      static_cast<const Record*>(nullptr)))>;
  struct Text {
    double value = 0.0;
    char bytes[32] = {};
    size_t size = 0;  // 0: none yet
  };

  template <class Value>
  static char* Write(const Value& value, Text& text, char* end) {
    if constexpr (std::is_same_v<Value, std::optional<double>>) {
      return value ? Write(*value, text, end) : end;
    } else if constexpr (std::is_floating_point_v<Value>) {
      if (text.size == 0 || text.value != value) {
        text.value = value;
        text.size =
            static_cast<size_t>(WriteCsvValue(text.bytes, value) - text.bytes);
      }
      std::memcpy(end, text.bytes, sizeof text.bytes);  // of a fixed size
      return end + text.size;
    } else {
      return WriteCsvValue(end, value);
    }
  }

  std::array<Text, kColumns> texts_;
};

inline bool ParseFlags(std::string_view cell, StepFlags& flags) {
  flags = {};
  while (!cell.empty()) {
    const std::string_view name = cell.substr(0, cell.find('+'));
    cell.remove_prefix(std::min(name.size() + 1, cell.size()));
    const auto found = std::ranges::find(kStepFlagNames, name);
    if (found == kStepFlagNames.end()) return false;
    flags.Add(static_cast<StepFlag>(found - kStepFlagNames.begin()));
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
