// From which checkpoint a sweep can be gone on with.
#ifndef BATCHSWEEP_SWEEP_RESUME_H_
#define BATCHSWEEP_SWEEP_RESUME_H_

#include <cstdint>
#include <optional>

#include "measure/warning.h"
#include "platform/error.h"
#include "sweep/sweep_config.h"
#include "sweep/sweep_position.h"

namespace batchsweep {

struct ResumePoint {
  SweepPosition position;
  std::optional<Warning> warning;  // of a newer checkpoint that is damaged
};

// The newest checkpoint in config.out that is whole with everything it refers
// to: its tensors, the rows of the tables, the weights of the cells done. An
// error is that of the newest.
Result<ResumePoint> FindResumePoint(const SweepConfig& config,
                                    int64_t train_examples);

// Where the sweep stands when its budget has more epochs than the earlier run
// had: each cell that was done is gone on with, and summarised anew.
SweepPosition Extended(SweepPosition position);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_RESUME_H_
