// The weights that a cell starts from.
#ifndef BATCHSWEEP_SWEEP_FIRST_WEIGHTS_H_
#define BATCHSWEEP_SWEEP_FIRST_WEIGHTS_H_

#include <vector>

#include "model/safetensors.h"
#include "platform/error.h"
#include "record/cell.h"
#include "sweep/sweep_config.h"

namespace batchsweep {

// As config.init says. An error names the file that cannot be read.
Result<std::vector<NamedTensor>> FirstWeights(const SweepConfig& config,
                                              const CellKey& cell);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_FIRST_WEIGHTS_H_
