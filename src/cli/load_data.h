// The data of a run, in its parts.
#ifndef BATCHSWEEP_CLI_LOAD_DATA_H_
#define BATCHSWEEP_CLI_LOAD_DATA_H_

#include <memory>

#include "cli/run_options.h"
#include "data/dataset.h"
#include "model/loss.h"
#include "platform/error.h"
#include "train/trainer.h"
#include "util/checksum.h"

namespace batchsweep {

// The data set and its parts. Movable: the parts point to `source`.
struct LoadedData {
  std::unique_ptr<DataSource> source;
  TrainingData parts;
  Loss loss = Loss::kSparseCategoricalCrossentropy;
};
// Loads data for options.sweep.model and chooses the loss. Refuses data that do
// not fit the model or the loss (another shape, more classes than the model has
// outputs, no labels where the loss wants some), too few examples for a part,
// and a batch size that is larger than the training set: its steps would hold
// fewer examples than they say.
Result<LoadedData> LoadData(const RunOptions& options);

// Of the bytes of all examples that a run uses: of training, validation and
// test, inputs before what is to be learnt.
Checksum DataChecksum(const TrainingData& parts);

}  // namespace batchsweep

#endif  // BATCHSWEEP_CLI_LOAD_DATA_H_
