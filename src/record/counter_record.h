// A row of counters.csv.
#ifndef BATCHSWEEP_RECORD_COUNTER_RECORD_H_
#define BATCHSWEEP_RECORD_COUNTER_RECORD_H_

#include <cstdint>

#include "measure/phase_counts.h"
#include "record/cell.h"
#include "util/fields.h"

namespace batchsweep {

// What the CPU counted in one phase of one step. Only every so many steps are
// counted, so that counting stays cheap, and none where the CPU or the system
// gives no counts.
struct CounterRecord {
  CellKey cell;
  int64_t epoch = 0;
  int64_t step = 0;
  PhaseCounts counts;

  static constexpr auto Fields() {
    using R = CounterRecord;
    return FieldList<&R::cell, &R::epoch, &R::step, &R::counts>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_COUNTER_RECORD_H_
