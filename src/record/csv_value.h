// The values of a table's cells as text. Nothing is quoted because nothing
// needs it. Numbers are the shortest text that reads back as the same value; a
// yes or no is 1 or 0; flags are names joined by "+"; what is absent is an
// empty cell.
#ifndef BATCHSWEEP_RECORD_CSV_VALUE_H_
#define BATCHSWEEP_RECORD_CSV_VALUE_H_

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

#include "measure/step_flags.h"

namespace batchsweep {

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
    end = WriteCsvValue(end, NameOf(static_cast<StepFlag>(i)));
  }
  return end;
}
template <class Value>
char* WriteCsvValue(char* end, const std::optional<Value>& value) {
  return value ? WriteCsvValue(end, *value) : end;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_CSV_VALUE_H_
