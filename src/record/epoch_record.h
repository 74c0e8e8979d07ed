// A row of epochs.csv.
#ifndef BATCHSWEEP_RECORD_EPOCH_RECORD_H_
#define BATCHSWEEP_RECORD_EPOCH_RECORD_H_

#include <cstdint>
#include <optional>

#include "record/cell.h"
#include "util/fields.h"

namespace batchsweep {

// One pass over the training examples and its validation. Losses and accuracies
// of training are means over the epoch's examples while the weights were
// changing, as Keras reports them.
struct EpochRecord {
  CellKey cell;
  int64_t epoch = 0;
  int64_t steps = 0;
  double train_loss = 0.0;
  std::optional<double> train_accuracy;
  double val_loss = 0.0;
  std::optional<double> val_accuracy;
  int64_t train_time_ns = 0;  // from the shuffle to the last step, on the clock
  int64_t val_time_ns = 0;    // of evaluations, in it and at its end
  // Drawn during train_time_ns; absent unless readings cover all of it.
  std::optional<double> train_energy_joules;
  // Means over the epoch's steps, see train/noise_scale.h: tr S, |G|^2, and the
  // first over the second. Absent where they are not measured or no batch has
  // two examples; the last also where |G|^2 is not above 0.
  std::optional<double> noise_trace;
  std::optional<double> noise_gradient_square;
  std::optional<double> noise_scale;
  std::optional<int64_t> noise_time_ns;  // in no other time; absent if unasked

  static constexpr auto Fields() {
    using R = EpochRecord;
    return FieldList<
        &R::cell, &R::epoch, &R::steps, &R::train_loss, &R::train_accuracy,
        &R::val_loss, &R::val_accuracy, &R::train_time_ns, &R::val_time_ns,
        &R::train_energy_joules, &R::noise_trace, &R::noise_gradient_square,
        &R::noise_scale, &R::noise_time_ns>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_EPOCH_RECORD_H_
