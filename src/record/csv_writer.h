// Records as comma-separated rows: one header line, then a row a record, whose
// columns are the record's fields, see util/fields.h and record/csv_value.h.
#ifndef BATCHSWEEP_RECORD_CSV_WRITER_H_
#define BATCHSWEEP_RECORD_CSV_WRITER_H_

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "record/csv_value.h"
#include "util/fields.h"

namespace batchsweep {

template <class Record>
std::string CsvHeader() {
  std::string header;
  const Record record;
  ForEachField(record, [&](std::string_view name, const auto&) {
    header += name;
    header += ',';
  });
  header.back() = '\n';
  return header;
}

template <class Record>
void AppendCsvRow(const Record& record, std::string& rows) {
  char row[FieldCount<Record>() * (kCsvValueBytes + 1)];
  char* end = row;
  ForEachField(record, [&](std::string_view, const auto& value) {
    end = WriteCsvValue(end, value);
    *end++ = ',';
  });
  end[-1] = '\n';
  rows.append(row, end);
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
    ForEachField(record, [&](std::string_view, const auto& value) {
      end = Write(value, texts_[column++], end);
      *end++ = ',';
    });
    end[-1] = '\n';
    rows.append(row, end);
  }

 private:
  static constexpr size_t kColumns = FieldCount<Record>();
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

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_CSV_WRITER_H_
