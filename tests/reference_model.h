// The slow twin of a whole network: every layer and loss of model_spec.h once
// more, in nested loops and double precision. It works out shapes, padding and
// the order of parameters itself, so that a mistake of src/ is not its own. Of
// model_spec.cc it uses LayerInputs() alone. Never optimise it.
#ifndef BATCHSWEEP_TESTS_REFERENCE_MODEL_H_
#define BATCHSWEEP_TESTS_REFERENCE_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/loss.h"
#include "model/model_spec.h"

namespace batchsweep::reference {

// What a loss is computed of. REQUIRES: model passes CheckModel and CheckEnd,
// and outlives the question.
struct LossQuestion {
  const ModelSpec& model;
  // One array for each of ModelParams(), running statistics included.
  std::vector<std::vector<double>> weights;
  std::span<const float> x;  // (batch, input)
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  std::span<const uint8_t> labels = {};  // (batch), of the sparse loss
  std::span<const float> targets = {};   // (batch, output), of the others
  // Whether batch normalisation uses the batch's statistics, and Dropout drops.
  bool training = true;
  // Whether Dropout `layer` keeps `element` of its (batch, values) tensor.
  // Without it nothing is dropped and nothing scaled, as if each rate were 0.
  std::function<bool(size_t layer, size_t element)> keep = {};
};

struct LossAnswer {
  double loss = 0.0;            // data_loss, and the L2 penalties
  double data_loss = 0.0;       // the mean over the batch
  std::vector<double> outputs;  // (batch, output), before a last softmax
  // What each running statistic is afterwards; empty for a trained parameter.
  std::vector<std::vector<double>> moving;
};

LossAnswer ComputeLoss(const LossQuestion& question);

// The derivative of the loss, L2 penalties included, by one weight, from
// central differences.
double LossDerivative(LossQuestion question, size_t param, size_t index);

// That by every weight, in 2 ComputeLoss() each; empty for running statistics.
std::vector<std::vector<double>> LossGradient(LossQuestion question);

}  // namespace batchsweep::reference

#endif  // BATCHSWEEP_TESTS_REFERENCE_MODEL_H_
