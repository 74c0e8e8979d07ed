// A row of evaluations.csv.
#ifndef BATCHSWEEP_RECORD_EVALUATION_RECORD_H_
#define BATCHSWEEP_RECORD_EVALUATION_RECORD_H_

#include <cstdint>
#include <optional>

#include "record/cell.h"
#include "util/fields.h"

namespace batchsweep {

// What a cell's weights were worth when they were evaluated while it trained:
// at each epoch's end, and within epochs if --val-every asks for it.
struct EvaluationRecord {
  CellKey cell;
  int64_t step = 0;           // updates made before, through all epochs
  int64_t epoch = 0;          // the one under way or just ended, from 1
  int64_t examples = 0;       // trained on before, repeated ones counted again
  int64_t train_time_ns = 0;  // spent on training before, evaluations left out
  // Drawn during train_time_ns; absent unless readings cover all of it.
  std::optional<double> train_energy_joules;
  double val_loss = 0.0;
  std::optional<double> val_accuracy;  // absent where the loss tells no classes
  // On the first --target-examples of the training set; absent without
  // --target-loss.
  std::optional<double> subset_loss;
  int64_t val_time_ns = 0;  // that the evaluation took, on both

  static constexpr auto Fields() {
    using R = EvaluationRecord;
    return FieldList<&R::cell, &R::step, &R::epoch, &R::examples,
                     &R::train_time_ns, &R::train_energy_joules, &R::val_loss,
                     &R::val_accuracy, &R::subset_loss, &R::val_time_ns>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_EVALUATION_RECORD_H_
