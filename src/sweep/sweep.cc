#include "sweep/sweep.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "platform/memory.h"
#include "platform/process.h"
#include "sweep/cell_run.h"
#include "sweep/checkpoint.h"

namespace batchsweep {

Result<SweepResult> RunRound(const SweepConfig& config,
                             const TrainingData& data, const Kernels& kernels,
                             Sensors& sensors, SweepPosition position,
                             SweepObserver& observer) {
  const std::vector<CellKey> cells = SweepCells(config);
  const auto count = static_cast<int64_t>(cells.size());
  const int64_t round = count / config.processes;
  const int64_t end = (position.cells_done / round + 1) * round;
  while (position.cells_done < std::min(end, count)) {
    const int64_t cell = position.cells_done;
    const auto base_rss_bytes = ReadProcessMemory().rss_bytes;
    const CellKey& next = cells[static_cast<size_t>(cell)];
    RETURN_IF_ERROR(RunInChild(CellName(next), [&] {
      return RunCell(config, data, kernels, sensors, base_rss_bytes, position,
                     observer);
    }));
    ASSIGN_OR_RETURN(position, ReadNewestState(config.out / "checkpoint"));
    if (position.cells_done == cell) {
      return SweepResult{.position = std::move(position), .interrupted = true};
    }
  }
  return SweepResult{.position = std::move(position)};
}

}  // namespace batchsweep
