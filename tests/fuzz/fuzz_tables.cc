// Our tables, as they are read back.
#include <string>
#include <string_view>
#include <vector>

#include "record/csv_reader.h"
#include "record/csv_writer.h"
#include "record/epoch_record.h"
#include "record/evaluation_record.h"
#include "record/step_record.h"
#include "record/summary_record.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/temp_dir.h"
#include "util/check.h"

namespace batchsweep {
namespace {

template <class Record>
std::string Rows(const std::vector<Record>& records) {
  std::string rows = CsvHeader<Record>();
  for (const Record& record : records) AppendCsvRow(record, rows);
  return rows;
}

// What is read is written again, and reads as the same.
template <class Record>
void ReadTable(std::string_view rows) {
  static const TempDir folder;
  const auto read = ReadCsv<Record>(
      folder.Write("table.csv", CsvHeader<Record>() + std::string(rows)));
  if (!read) {
    CHECK(!read.error().message.empty());
    return;
  }
  const std::string written = Rows(*read);
  const auto again = ReadCsv<Record>(folder.Write("table.csv", written));
  CHECK(again.has_value());
  CHECK(Rows(*again) == written);
}

}  // namespace

void FuzzCsv(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::string_view rows = bytes.substr(1);
  switch (static_cast<unsigned char>(bytes[0]) % 4) {
    case 0:
      return ReadTable<StepRecord>(rows);
    case 1:
      return ReadTable<EpochRecord>(rows);
    case 2:
      return ReadTable<SummaryRecord>(rows);
    default:
      return ReadTable<EvaluationRecord>(rows);
  }
}

}  // namespace batchsweep
