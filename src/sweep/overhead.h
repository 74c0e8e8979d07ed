// What it costs to measure.
#ifndef BATCHSWEEP_SWEEP_OVERHEAD_H_
#define BATCHSWEEP_SWEEP_OVERHEAD_H_

#include <cstdint>
#include <optional>

#include "kernels/kernels.h"
#include "measure/statistics.h"
#include "platform/counters.h"
#include "platform/error.h"
#include "platform/sensors.h"
#include "record/run_info.h"

namespace batchsweep {

// Each by itself: medians of a few repetitions, some milliseconds in all.
RunInfo::Overhead MeasureOverhead(Sensors& sensors, const Counters& counters);

// Steps of the zoo's mlp on batches of 8 made-up examples, with nothing but
// training and with all that a run measures, in turns. Medians, by the wall
// clock, of blocks of a tenth of a second or more.
struct OverheadComparison {
  int64_t pairs = 0;              // of blocks
  double bare_step_ns = 0.0;      // nothing measured
  double measured_step_ns = 0.0;  // clock, counts, measurements kept, sampler
  double overhead = 0.0;          // median of measured / bare, less one
  Interval overhead_interval;     // 95 %
  double writing_step_ns = 0.0;   // after the epoch: rows made and written
  double reported_step_ns = 0.0;  // the step time that a run reports
};
Result<OverheadComparison> CompareOverhead(const Kernels& kernels,
                                           Sensors& sensors, double sample_hz);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_OVERHEAD_H_
