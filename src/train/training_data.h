// The examples of a training.
#ifndef BATCHSWEEP_TRAIN_TRAINING_DATA_H_
#define BATCHSWEEP_TRAIN_TRAINING_DATA_H_

#include "data/dataset.h"

namespace batchsweep {

struct TrainingData {
  ExampleRange train;
  ExampleRange validation;
  ExampleRange test;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_TRAINING_DATA_H_
