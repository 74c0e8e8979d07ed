// When a training reached a loss or an accuracy.
#ifndef BATCHSWEEP_RECORD_TIME_TO_TARGET_H_
#define BATCHSWEEP_RECORD_TIME_TO_TARGET_H_

#include <optional>
#include <span>

#include "record/evaluation_record.h"
#include "util/fields.h"

namespace batchsweep {

// Which column of evaluations.csv is to reach the target: a loss from above, an
// accuracy from below.
enum class TargetMeasure { kValLoss, kSubsetLoss, kValAccuracy };
constexpr const char* NameOf(TargetMeasure measure) {
  switch (measure) {
    case TargetMeasure::kValLoss:
      return "val_loss";
    case TargetMeasure::kSubsetLoss:
      return "subset_loss";
    case TargetMeasure::kValAccuracy:
      return "val_accuracy";
  }
  return nullptr;
}

// What an answer asks of each training.
struct AdviceTarget {
  TargetMeasure measure = TargetMeasure::kValLoss;
  double value = 0.0;
  bool given = false;  // by a flag; else what all trainings reached

  static constexpr auto Fields() {
    return FieldList<&AdviceTarget::measure, &AdviceTarget::value,
                     &AdviceTarget::given>();
  }
};

struct ToTarget {
  enum class Outcome {
    kNotReached,
    kByFirstEvaluation,  // reached before anything was known of it
    kReached,            // between two evaluations
  };
  Outcome outcome = Outcome::kNotReached;
  // Spent on training until then: between two evaluations by linear
  // interpolation of the measure, by the first one until that itself. An
  // evaluation each epoch would otherwise make all times multiples of an
  // epoch's, as if they had no spread.
  double seconds = 0.0;
  std::optional<double> joules;  // likewise; absent where it is not known
};

// Of one cell's evaluations, in their order.
ToTarget TimeToTarget(std::span<const EvaluationRecord> evaluations,
                      const AdviceTarget& target);

// A validation loss that every one of these trainings reached: the best of the
// one whose best is the worst, rounded up to as few digits as add no more than
// a twentieth of the way that the losses went after their first evaluations, or
// a hundredth of the loss if they went none. Absent if there is no training, or
// none with a loss that is finite. Each training is one cell's evaluations.
std::optional<AdviceTarget> TargetOfAll(
    std::span<const std::span<const EvaluationRecord>> trainings);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_TIME_TO_TARGET_H_
