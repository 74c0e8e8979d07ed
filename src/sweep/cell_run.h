// One cell of a sweep.
#ifndef BATCHSWEEP_SWEEP_CELL_RUN_H_
#define BATCHSWEEP_SWEEP_CELL_RUN_H_

#include <cstdint>
#include <optional>

#include "kernels/kernels.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "sweep/sweep.h"
#include "sweep/sweep_position.h"
#include "train/training_data.h"

namespace batchsweep {

// Runs the cell number `position.cells_done`, in this process: waits until the
// board is cool, takes memory and cores, soaks, trains from first weights or
// from the checkpoint, tests. Leaves a checkpoint of where it ended: behind the
// cell, or within it if the observer said so. `base_rss_bytes` is what the
// program held before the process was made.
Status RunCell(const SweepConfig& config, const TrainingData& data,
               const Kernels& kernels, Sensors& sensors,
               std::optional<int64_t> base_rss_bytes, SweepPosition position,
               SweepObserver& observer);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_CELL_RUN_H_
