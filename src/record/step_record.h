// A row of steps.csv. Columns of all tables are the fields of their record, in
// this order and by these names; a unit is the name's ending; an absent value
// is an empty cell.
#ifndef BATCHSWEEP_RECORD_STEP_RECORD_H_
#define BATCHSWEEP_RECORD_STEP_RECORD_H_

#include <cstdint>
#include <optional>

#include "measure/board_state.h"
#include "measure/step_flags.h"
#include "record/cell.h"
#include "util/fields.h"

namespace batchsweep {

// One training step.
struct StepRecord {
  CellKey cell;
  int64_t epoch = 0;  // from 1
  int64_t step = 0;   // from 1, through all epochs of this cell
  int64_t examples = 0;
  float loss = 0.0f;              // mean over the batch, before its update
  std::optional<float> accuracy;  // of the same predictions; absent where the
                                  // loss tells no classes apart
  int64_t start_unix_ns = 0;      // when it began, since 1970 in UTC
  int64_t step_time_ns = 0;       // the sum of the next four
  int64_t load_time_ns = 0;
  int64_t forward_time_ns = 0;   // with the loss
  int64_t backward_time_ns = 0;  // with the loss' gradient
  int64_t update_time_ns = 0;
  int64_t arena_bytes = 0;
  BoardState board;
  StepFlags flags;

  static constexpr auto Fields() {
    using R = StepRecord;
    return FieldList<&R::cell, &R::epoch, &R::step, &R::examples, &R::loss,
                     &R::accuracy, &R::start_unix_ns, &R::step_time_ns,
                     &R::load_time_ns, &R::forward_time_ns,
                     &R::backward_time_ns, &R::update_time_ns, &R::arena_bytes,
                     &R::board, &R::flags>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_STEP_RECORD_H_
