#include "model/loss.h"

#include <algorithm>
#include <format>
#include <string>
#include <utility>

#include "model/model_spec.h"

namespace batchsweep {
namespace {

Status CheckGivesClassScores(Activation end, const Shape& shape,
                             const std::string& where) {
  if (end != Activation::kLinear && end != Activation::kSoftmax) {
    return Fail(
        "{} is the last but gives no class scores; end with a Dense that is "
        "softmax or linear",
        where);
  }
  if (shape.dims.size() != 1) {
    return Fail(
        "{} is the last and gives {}, not class scores; put a Flatten and a "
        "Dense behind it",
        where, shape.ToString());
  }
  if (shape.elements() < 2) {
    return Fail(
        "{} is the last and gives 1 score; make it one for each class, 2 or "
        "more",
        where);
  }
  return {};
}

// "mean squared error"
std::string SpokenName(Loss loss) {
  std::string name = NameOf(loss);
  std::ranges::replace(name, '_', ' ');
  return name;
}

}  // namespace

Loss DefaultLoss(const ModelSpec& model, GroundTruth truth) {
  switch (truth) {
    case GroundTruth::kLabel:
      return Loss::kSparseCategoricalCrossentropy;
    case GroundTruth::kTargets:
      return EndsInSoftmax(model) ? Loss::kCategoricalCrossentropy
                                  : Loss::kMeanSquaredError;
  }
  std::unreachable();
}

bool EndsInSoftmax(const ModelSpec& model) {
  return LayerActivation(model.layers.back()) == Activation::kSoftmax;
}

Status CheckEnd(const ModelSpec& model, Loss loss, std::string_view origin) {
  const LayerSpec& last = model.layers.back();
  const std::string where =
      std::format("{}: layer \"{}\"", origin, LayerName(last));
  switch (TraitsOf(loss).outputs) {
    case LossOutputs::kClassScores:
      return CheckGivesClassScores(LayerActivation(last),
                                   LayerOutputShapes(model).back(), where);
    case LossOutputs::kValues:
      if (!EndsInSoftmax(model)) return {};
      return Fail(
          "{} is the last and softmax, which {} does not train; make it linear "
          "or train by a cross-entropy",
          where, SpokenName(loss));
  }
  std::unreachable();
}

}  // namespace batchsweep
