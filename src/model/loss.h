// The losses: what training minimises, each the mean over the batch, by Keras'
// formulas. One table says all that differs between them but the arithmetic.
//
// To add a loss: an enumerator, its row in TraitsOf(), its kernel in graph/.
// The compiler points at each switch that does not know the new one.
#ifndef BATCHSWEEP_MODEL_LOSS_H_
#define BATCHSWEEP_MODEL_LOSS_H_

#include <string_view>

#include "platform/error.h"

namespace batchsweep {

struct ModelSpec;

// Counted from 0 without gaps, so that lists of them can be made of NameOf().
enum class Loss {
  kSparseCategoricalCrossentropy,  // of integer labels
  kCategoricalCrossentropy,        // of a distribution for each example
  kMeanSquaredError,               // mean over the values of an example too
};

// What an example is told to be, beside its input.
enum class GroundTruth {
  kLabel,    // the number of its class
  kTargets,  // one float32 for each of the model's outputs
};

// What the model's end must give.
enum class LossOutputs {
  // One dimension of 2 or more values, linear or softmax: a score for each
  // class. The loss applies the softmax.
  kClassScores,
  // Any shape from any layer but a softmax.
  kValues,
};

struct LossTraits {
  const char* name;  // as Keras has it: "mean_squared_error"
  GroundTruth reads;
  // Whether the highest output is the class that the model believes in, so that
  // there is an accuracy. Such a loss can learn from labels even if it reads
  // targets: a 1 at the label, 0 elsewhere.
  bool tells_classes;
  LossOutputs outputs;
};

// The table. Behind the last loss it has no name.
constexpr LossTraits TraitsOf(Loss loss) {
  switch (loss) {
    case Loss::kSparseCategoricalCrossentropy:
      return {.name = "sparse_categorical_crossentropy",
              .reads = GroundTruth::kLabel,
              .tells_classes = true,
              .outputs = LossOutputs::kClassScores};
    case Loss::kCategoricalCrossentropy:
      return {.name = "categorical_crossentropy",
              .reads = GroundTruth::kTargets,
              .tells_classes = true,
              .outputs = LossOutputs::kClassScores};
    case Loss::kMeanSquaredError:
      return {.name = "mean_squared_error",
              .reads = GroundTruth::kTargets,
              .tells_classes = false,
              .outputs = LossOutputs::kValues};
  }
  return {};
}

// Null behind the last loss.
constexpr const char* NameOf(Loss loss) { return TraitsOf(loss).name; }

// The loss that goes with the data and the model's end if none is asked for.
// REQUIRES: the model has layers.
Loss DefaultLoss(const ModelSpec& model, GroundTruth truth);

// Whether the model's last layer ends in a softmax. REQUIRES: as DefaultLoss.
bool EndsInSoftmax(const ModelSpec& model);

// Refuses, by its last layer's name, a model that does not end in what the loss
// takes; see LossOutputs. `origin` begins the message. REQUIRES: the model
// passes CheckModel.
Status CheckEnd(const ModelSpec& model, Loss loss, std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_LOSS_H_
