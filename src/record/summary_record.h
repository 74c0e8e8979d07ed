// A row of summary.csv.
#ifndef BATCHSWEEP_RECORD_SUMMARY_RECORD_H_
#define BATCHSWEEP_RECORD_SUMMARY_RECORD_H_

#include <cstdint>
#include <optional>

#include "record/cell.h"
#include "util/fields.h"

namespace batchsweep {

// One cell, from its first weights to its test. Statistics of step times leave
// out the warm-up and steps on fewer examples than the others.
struct SummaryRecord {
  CellKey cell;
  // What was used, by --lr-rule and --adam-rule if there are such. beta1 and
  // beta2 are Adam's, epsilon is RMSprop's too; absent where the optimizer has
  // none.
  float learning_rate = 0.0f;
  std::optional<double> beta1;
  std::optional<double> beta2;
  std::optional<float> epsilon;
  std::optional<double> half_life_examples;  // of the second moment, by beta2
  int64_t epochs = 0;
  int64_t steps = 0;
  // A loss that is not finite, of a cell that diverged, is absent.
  std::optional<double> best_val_loss;
  std::optional<int64_t> best_epoch;
  std::optional<double> final_val_loss;
  std::optional<double> final_val_accuracy;
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;
  int64_t warmup_steps = 0;
  int64_t flagged_steps = 0;  // of the others, see StepFlags::Disturbed()
  // Of all such steps, or of those that StepHistory keeps of more; absent
  // without one.
  std::optional<int64_t> step_time_median_ns;
  std::optional<int64_t> step_time_median_low_ns;   // 95 % confidence interval,
  std::optional<int64_t> step_time_median_high_ns;  // see MedianInterval()
  std::optional<int64_t> step_time_mad_ns;  // median absolute deviation from
                                            // the median
  std::optional<int64_t> step_time_p5_ns;
  std::optional<int64_t> step_time_p95_ns;
  std::optional<int64_t> step_time_p99_ns;
  // Without flagged steps; absent if that leaves none.
  std::optional<int64_t> clean_step_time_median_ns;
  std::optional<int64_t> clean_step_time_p95_ns;
  // The batch size over the median step; absent without such a step.
  std::optional<double> examples_per_second;
  // What this machine's arithmetic and memory allow for such a step, see
  // measure/roofline.h, and which part of that speed the median step reached,
  // up to 1. Absent where the step seemed to beat it: then the limit is wrong.
  std::optional<int64_t> limit_time_ns;
  std::optional<double> limit_fraction;
  // Of the multiply-adds of all products, those that XNNPACK computes.
  double xnnpack_share = 0.0;
  int64_t arena_bytes = 0;
  // Before the cell's own memory was taken, plus what was planned for it; to
  // compare with the peak, which is the process' own.
  std::optional<int64_t> planned_rss_bytes;
  std::optional<int64_t> peak_rss_bytes;
  std::optional<int64_t> rss_anon_bytes;  // at the end of training, as swap
  std::optional<int64_t> swap_bytes;
  // During training, see SensorReading; since it was resumed, if it was.
  std::optional<int64_t> over_current_events;
  std::optional<double> train_energy_joules;  // absent if an epoch's is
  // Training only, until the first evaluation that reached --target-accuracy or
  // --target-loss; absent if none did.
  std::optional<int64_t> steps_to_target;
  std::optional<int64_t> time_to_target_ns;
  std::optional<double> energy_to_target_joules;
  int64_t cool_wait_ns = 0;   // waited for --cool-to, before total_time_ns
  int64_t total_time_ns = 0;  // all of it: set-up, soaking, training,
                              // validation, test, writing the rows

  static constexpr auto Fields() {
    using R = SummaryRecord;
    return FieldList<
        &R::cell, &R::learning_rate, &R::beta1, &R::beta2, &R::epsilon,
        &R::half_life_examples, &R::epochs, &R::steps, &R::best_val_loss,
        &R::best_epoch, &R::final_val_loss, &R::final_val_accuracy,
        &R::test_loss, &R::test_accuracy, &R::warmup_steps, &R::flagged_steps,
        &R::step_time_median_ns, &R::step_time_median_low_ns,
        &R::step_time_median_high_ns, &R::step_time_mad_ns, &R::step_time_p5_ns,
        &R::step_time_p95_ns, &R::step_time_p99_ns,
        &R::clean_step_time_median_ns, &R::clean_step_time_p95_ns,
        &R::examples_per_second, &R::limit_time_ns, &R::limit_fraction,
        &R::xnnpack_share, &R::arena_bytes, &R::planned_rss_bytes,
        &R::peak_rss_bytes, &R::rss_anon_bytes, &R::swap_bytes,
        &R::over_current_events, &R::train_energy_joules, &R::steps_to_target,
        &R::time_to_target_ns, &R::energy_to_target_joules, &R::cool_wait_ns,
        &R::total_time_ns>();
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_SUMMARY_RECORD_H_
