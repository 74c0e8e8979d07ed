#include "train/target.h"

namespace batchsweep {

// Neither an absent value nor one that is no number reaches anything.
bool IsReached(const Target& target, const Validation& validation) {
  if (target.accuracy && validation.scores.accuracy) {
    return *validation.scores.accuracy >= *target.accuracy;
  }
  return target.loss && validation.subset_loss &&
         *validation.subset_loss <= *target.loss;
}

}  // namespace batchsweep
