// WeightUpdate: what an optimizer does to weights once their gradient is known.
#ifndef BATCHSWEEP_GRAPH_WEIGHT_UPDATE_H_
#define BATCHSWEEP_GRAPH_WEIGHT_UPDATE_H_

#include <span>

namespace batchsweep {

// A layer that fuses its update hands the gradient over in pieces, as soon as
// one is computed, so that it is still in a near cache and never stored whole.
class WeightUpdate {
 public:
  virtual ~WeightUpdate() = default;
  // Changes `weights`, whose gradients are `grads`, of the same length. Several
  // threads may call it at a time. REQUIRES: `weights` is a part of the
  // network's params(), and none of it was in a call of this step before.
  virtual void Apply(std::span<float> weights,
                     std::span<const float> grads) const = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_WEIGHT_UPDATE_H_
