// The gradient noise scale: tr S / |G|^2, where G is the gradient over all
// examples and S the covariance of single examples' gradients around it.
//
// With g_B the gradient of a batch of B, E|g_B|^2 = |G|^2 + tr S / B, so two
// batch sizes give both without bias [McCandlish et al. 2018, arXiv
// 1812.06162]. These are here 1, the mean over a batch's examples, and B:
//   |G|^2 = (B |g_B|^2 - |g_1|^2) / (B - 1)
//   tr S  = (|g_1|^2 - |g_B|^2) / (1 - 1/B)
// Each is averaged over steps before they are divided: the mean of ratios would
// not be the ratio of means. A single step's |G|^2 may well be negative. Even
// so, repeated runs scatter by a factor of two: it is a guide, not a law.
#ifndef BATCHSWEEP_TRAIN_NOISE_SCALE_H_
#define BATCHSWEEP_TRAIN_NOISE_SCALE_H_

#include <cstdint>
#include <optional>

#include "graph/gradient_norms.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "util/fields.h"

namespace batchsweep {

struct NoiseEstimate {
  double trace = 0.0;            // tr S
  double gradient_square = 0.0;  // |G|^2; may be negative
};

// Of one step. Absent of a batch of 1, which has nothing to be compared with,
// and of norms that are not finite.
std::optional<NoiseEstimate> EstimateNoise(const GradientNorms& norms,
                                           int64_t batch);

// Sums over an epoch's steps, added one by one.
struct NoiseTotals {
  int64_t steps = 0;  // those with an estimate
  double trace = 0.0;
  double gradient_square = 0.0;
  int64_t time_ns = 0;  // that measuring took, in all steps

  void Add(const std::optional<NoiseEstimate>& estimate, int64_t step_time_ns);
  // The means; absent without a step that has an estimate.
  std::optional<NoiseEstimate> Mean() const;

  static constexpr auto Fields() {
    using T = NoiseTotals;
    return FieldList<&T::steps, &T::trace, &T::gradient_square, &T::time_ns>();
  }
};

// tr S / |G|^2. Absent where |G|^2 is not above 0: so few steps cannot tell.
std::optional<double> NoiseScale(const NoiseEstimate& mean);

// An error if the model has no parameter in scope, or batch normalisation,
// whose statistics are the batch's: there an example has no gradient of its
// own.
Status CheckNoiseScope(const ModelSpec& model, NoiseScope scope);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_NOISE_SCALE_H_
