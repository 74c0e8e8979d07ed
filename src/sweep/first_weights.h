// The weights that a cell starts from.
#ifndef BATCHSWEEP_SWEEP_FIRST_WEIGHTS_H_
#define BATCHSWEEP_SWEEP_FIRST_WEIGHTS_H_

#include "graph/network.h"
#include "platform/error.h"
#include "record/cell.h"
#include "sweep/sweep_config.h"

namespace batchsweep {

// As config.init says, in place: without a copy of all weights beside them. An
// error names the file that cannot be read.
Status SetFirstWeights(const SweepConfig& config, const CellKey& cell,
                       Network& network);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_FIRST_WEIGHTS_H_
