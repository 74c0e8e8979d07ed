// PackedWeights: where an operation keeps the packed weights of its XNNPACK
// operator: in memory of their own, refreshed after each update; or, lean, in
// memory that others use too, refreshed right before each pass over the batch.
#ifndef BATCHSWEEP_GRAPH_PACKED_WEIGHTS_H_
#define BATCHSWEEP_GRAPH_PACKED_WEIGHTS_H_

#include <string>

#include "graph/layer.h"
#include "util/check.h"
#include "xnn/weighted_operator.h"

namespace batchsweep {

class PackedWeights {
 public:
  // `moment`: of the step, when the operator runs.
  void Plan(const std::string& name, const xnn::WeightedOperator& op,
            const PlanContext& context, int moment) {
    lean_ = context.lean;
    id_ = context.planner.Add(name, MemoryClass::kPackedWeights,
                              op.packed_bytes(), lean_ ? moment : 0,
                              lean_ ? moment : context.end);
  }

  void Bind(const Arena& arena, const float* kernel, const float* bias,
            xnn::WeightedOperator& op) {
    kernel_ = kernel;
    bias_ = bias;
    op.BindWeights(arena.At(id_), lean_);
  }

  void WeightsChanged(xnn::WeightedOperator& op) const {
    if (!lean_) Refresh(op);
  }
  // To be called before the first run of a pass.
  void BeforeRun(xnn::WeightedOperator& op) const {
    if (lean_) Refresh(op);
  }

 private:
  // This fails only where an operator is created anew and the heap is used up,
  // from which there is no way on within a step.
  void Refresh(xnn::WeightedOperator& op) const {
    CHECK(op.Refresh(kernel_, bias_).has_value());
  }

  bool lean_ = false;
  int id_ = -1;
  const float* kernel_ = nullptr;
  const float* bias_ = nullptr;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_PACKED_WEIGHTS_H_
