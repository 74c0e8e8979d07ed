// How fast this machine could make a training step.
//
// The limit is the time of the step's products at the best rate that matrix
// products reach here, and of the optimizer's traffic at the best rate of
// memory: limit = FLOPs / matmul rate + optimizer bytes / bandwidth.
// Activations count nothing, as if they never left the caches; no step can
// reach it. (After Williams, Waterman and Patterson's roofline model,
// doi.org/10.1145/1498765.1498785, with the two parts after one another, as a
// step has them.)
#ifndef BATCHSWEEP_MEASURE_ROOFLINE_H_
#define BATCHSWEEP_MEASURE_ROOFLINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "graph/layer.h"
#include "measure/warning.h"
#include "model/model_spec.h"
#include "util/fields.h"

namespace batchsweep {

// Of XNNPACK's product and of ours, the better; of several blocks of time, the
// median.
double MeasureMatmulFlopsPerSecond(int64_t size, const ComputeContext& context);

// Of y += a x on arrays that together take the four that Adam reads, for
// `weights` weights: whether they fit a cache decides.
double MeasureUpdateBytesPerSecond(size_t weights,
                                   const ComputeContext& context);

struct MachineLimits {
  double matmul_flops_per_second = 0.0;  // the best of kMatmulSizes
  double update_bytes_per_second = 0.0;

  static constexpr auto Fields() {
    using L = MachineLimits;
    return GroupList<&L::matmul_flops_per_second,
                     &L::update_bytes_per_second>();
  }
};
inline constexpr int64_t kMatmulSizes[] = {64, 128, 256};
// Takes about 0.1 s.
MachineLimits MeasureLimits(size_t weights, const ComputeContext& context);

// What a step's update has to move: the trained weights and the optimizer's
// slots are read and written, gradients that are stored are read.
struct UpdateTraffic {
  int64_t weights = 0;
  int64_t stored_gradients = 0;  // fewer than weights where updates are fused
  int optimizer_slots = 0;       // as OptimizerSlots() tells
};

double StepLimitNs(const MachineLimits& limits, const ModelSpec& model,
                   const UpdateTraffic& update, int64_t batch_size);

// The limit of a step that took `step_ns`, by limit_of() of the rates.
//
// No step can beat its limit. Where one seems to, something slowed the
// measurement of the rates down: they are measured again, a few times if need
// be, and the best of each counts from then on, in `limits` too, which hold the
// best so far (0: nothing yet). Absent if the step beats even that, or if
// measuring took a second.
std::optional<double> UnbeatenLimitNs(
    double step_ns, const std::function<double(const MachineLimits&)>& limit_of,
    const std::function<MachineLimits()>& measure, MachineLimits& limits);

// "limit": of a cell whose step beat its limit.
Warning LimitWarning(std::string_view cell_name);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_ROOFLINE_H_
