// The loss of a network's outputs and its gradient, with what the
// regularisation of kernels adds to both.
//
// A loss is computed in two parts, since training times them apart: its score
// belongs to the forward phase, and validation needs no more than it; the
// gradient begins the backward phase. model/loss.h says what each loss reads.
#ifndef BATCHSWEEP_GRAPH_LOSS_H_
#define BATCHSWEEP_GRAPH_LOSS_H_

#include <cstdint>
#include <span>

#include "kernels/kernels.h"
#include "model/loss.h"

namespace batchsweep {

// What a loss works on. Outputs, targets and the gradient are (batch, size).
struct LossTensors {
  const float* outputs = nullptr;
  const uint8_t* labels = nullptr;  // (batch), for a loss that reads labels
  const float* targets = nullptr;   // for a loss that reads targets
  float* output_grads = nullptr;
  int64_t batch = 0;
  int64_t size = 0;
};

// Scores the outputs; the loss is summed over the batch. output_grads then
// holds what OutputGradient() goes on with.
BatchScore ScoreOutputs(Loss loss, const LossTensors& t,
                        const Kernels& kernels);

// Gradient of the mean loss by the outputs. REQUIRES: ScoreOutputs() was called
// on the same tensors.
void OutputGradient(Loss loss, const LossTensors& t, const Kernels& kernels);

// A kernel whose size is part of the loss, as Keras' L2 regulariser has it: it
// adds l2 times the sum of its squares to the mean loss.
struct RegularizedKernel {
  float l2 = 0.0f;
  std::span<const float> values;
  std::span<float> grads;  // of one length with the values
};

// What the kernels add to the loss of `batch` examples.
void AddPenalties(std::span<const RegularizedKernel> regularized, int64_t batch,
                  const Kernels& kernels, BatchScore& score);

// Adds 2 * l2 * value to each gradient.
void AddPenaltyGradients(std::span<const RegularizedKernel> regularized,
                         const Kernels& kernels);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_LOSS_H_
