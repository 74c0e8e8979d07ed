// What a cell leaves behind beside its rows, and the columns of its summary
// that training does not know.
#ifndef BATCHSWEEP_SWEEP_CELL_RESULTS_H_
#define BATCHSWEEP_SWEEP_CELL_RESULTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/network.h"
#include "platform/error.h"
#include "record/summary_record.h"
#include "record/written_file.h"
#include "sweep/memory_fit.h"
#include "sweep/sweep_config.h"
#include "sweep/sweep_position.h"

namespace batchsweep {

// Writes weights/batch_B_seed_S.safetensors, with _threads_T where the sweep
// has several numbers of threads, under config.out.
Result<WrittenFile> WriteWeights(const SweepConfig& config, const CellKey& cell,
                                 Network& network);

// Fills the settings of the optimizer, as the cell's batch size has them.
void SetOptimizer(const SweepConfig& config, SummaryRecord& record);

// Fills limit_time_ns and limit_fraction of a record whose step times are
// there. Measures the machine into `limits`, which has the best so far for each
// number of threads; see UnbeatenLimitNs(). Its update of so many weights takes
// four times their memory. False, and the columns absent, if the step beat the
// limit all the same.
[[nodiscard]] bool SetLimit(const SweepConfig& config, ComputeContext context,
                            const UpdateTraffic& update,
                            std::vector<ThreadsLimits>& limits,
                            SummaryRecord& record);

// Fills planned_rss_bytes. `base_rss_bytes` is what the program held before the
// cell took any. REQUIRES: record.arena_bytes is set.
void SetPlannedMemory(const TrainingExtent& extent,
                      std::optional<int64_t> base_rss_bytes,
                      SummaryRecord& record);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_CELL_RESULTS_H_
