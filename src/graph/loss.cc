#include "graph/loss.h"

#include <utility>

namespace batchsweep {

BatchScore ScoreOutputs(Loss loss, const LossTensors& t,
                        const Kernels& kernels) {
  switch (loss) {
    case Loss::kSparseCategoricalCrossentropy:
      return kernels.softmax_cross_entropy(t.outputs, t.labels, t.batch, t.size,
                                           t.output_grads);
    case Loss::kCategoricalCrossentropy:
      return kernels.softmax_cross_entropy_of(t.outputs, t.targets, t.batch,
                                              t.size, t.output_grads);
    case Loss::kMeanSquaredError:
      return kernels.squared_error(t.outputs, t.targets, t.batch, t.size,
                                   t.output_grads);
  }
  std::unreachable();
}

void OutputGradient(Loss loss, const LossTensors& t, const Kernels& kernels) {
  switch (loss) {
    case Loss::kSparseCategoricalCrossentropy:
      return kernels.cross_entropy_grad(t.labels, t.batch, t.size,
                                        t.output_grads);
    case Loss::kCategoricalCrossentropy:
      return kernels.cross_entropy_of_grad(t.targets, t.batch, t.size,
                                           t.output_grads);
    case Loss::kMeanSquaredError:
      return;  // The score is made of the differences that the gradient is.
  }
}

void AddPenalties(std::span<const RegularizedKernel> regularized, int64_t batch,
                  const Kernels& kernels, BatchScore& score) {
  for (const RegularizedKernel& kernel : regularized) {
    const auto count = static_cast<int64_t>(kernel.values.size());
    // The penalty is part of the mean loss, and the score is a sum over the
    // batch.
    score.loss_sum += static_cast<double>(kernel.l2) *
                      static_cast<double>(batch) *
                      kernels.sum_of_squares(kernel.values.data(), count);
  }
}

void AddPenaltyGradients(std::span<const RegularizedKernel> regularized,
                         const Kernels& kernels) {
  for (const RegularizedKernel& kernel : regularized) {
    const auto count = static_cast<int64_t>(kernel.values.size());
    kernels.add_scaled(kernel.values.data(), 2.0f * kernel.l2, count,
                       kernel.grads.data());
  }
}

}  // namespace batchsweep
