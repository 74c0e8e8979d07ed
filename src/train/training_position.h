// Where a training stands.
#ifndef BATCHSWEEP_TRAIN_TRAINING_POSITION_H_
#define BATCHSWEEP_TRAIN_TRAINING_POSITION_H_

#include <cstdint>

#include "util/fields.h"

namespace batchsweep {

// With the weights, the optimizer's slots and the trainer's configuration, this
// is all that decides the steps to come: the order of an epoch's examples
// follows from the seed and the epoch, what dropout draws from the seed and the
// step.
struct TrainingPosition {
  int64_t epoch = 1;           // the one under way
  int64_t epoch_examples = 0;  // of it, already trained on
  int64_t step = 0;            // steps made, through all epochs
  int64_t step_time_ns = 0;    // spent in them: what a budget of seconds counts
  // Of these, those before the latest evaluation; 0 before the first.
  int64_t evaluated_step = 0;
  int64_t evaluated_step_time_ns = 0;

  static constexpr auto Fields() {
    using P = TrainingPosition;
    return FieldList<&P::epoch, &P::epoch_examples, &P::step, &P::step_time_ns,
                     &P::evaluated_step, &P::evaluated_step_time_ns>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_TRAINING_POSITION_H_
