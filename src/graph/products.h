// The products of a layer with weights, and the choice of who computes them.
#ifndef BATCHSWEEP_GRAPH_PRODUCTS_H_
#define BATCHSWEEP_GRAPH_PRODUCTS_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "graph/kernel_chooser.h"
#include "graph/layer.h"
#include "graph/operation.h"
#include "platform/error.h"

namespace batchsweep {

// One body of an operation. `Problem` is what stays the same as long as the
// layer lives: shapes, bias, activation. An operation's list of candidates
// stands behind their classes; one body more is one line more there.
template <class Problem>
struct Candidate {
  Library library;
  Result<std::unique_ptr<Operation>> (*create)(const Problem& problem,
                                               const ComputeContext& context);
  // Null: it can compute every problem.
  bool (*can_compute)(const Problem& problem) = nullptr;
};

// The `create` of a body whose constructor cannot fail.
template <class Body, class Problem>
Result<std::unique_ptr<Operation>> CreateOperation(
    const Problem& problem, const ComputeContext& context) {
  return std::make_unique<Body>(problem, context);
}

// The candidates of each product of one kind of layer.
template <class Problem>
struct ProductCandidates {
  std::span<const Candidate<Problem>> forward;       // slices' x to y
  std::span<const Candidate<Problem>> weight_grads;  // from slices' x and dy
  std::span<const Candidate<Problem>> input_grad;    // slices' dy to dx
};

// The bodies that one layer computes with.
struct Products {
  std::unique_ptr<Operation> forward;
  std::unique_ptr<Operation> weight_grads;
  std::unique_ptr<Operation> input_grad;  // null where dx is not wanted
  MultiplyAdds multiply_adds;

  // See Operation; forward and backward slices may differ.
  Status Plan(const PlanContext& context, int64_t forward_slice,
              int64_t backward_slice) const;
  void Bind(const LayerTensors& tensors, const Arena& arena) const;
  Status SetBatch(int64_t batch, int64_t forward_slice, int64_t backward_slice,
                  const LayerPools& pools) const;
  // The gradients of a slice: by x where it is wanted, which needs the weights
  // as they are, and by the weights, which may update them.
  void RunBackward(const ExampleSlice& slice) const;
  // Shapes the gradients by the weights for passes over `batch` examples: for
  // single ones, to see the share of each, and back.
  void SetGradientBatch(int64_t batch, int64_t slice, ThreadPool& pool) const;
  void WeightsChanged() const;

  int64_t backward_scratch_floats() const;  // the larger one
  bool RecreatesOperators() const;
  bool FusesUpdate() const { return weight_grads->FusesUpdate(); }
};

// Creates a layer's bodies, those that context.chooser takes. `shape` is what
// the layer's products have in common: its direction and its multiply-adds are
// filled in here.
template <class Problem>
Result<Products> CreateProducts(const ProductCandidates<Problem>& candidates,
                                const Problem& problem, OperationShape shape,
                                bool wants_dx, const ComputeContext& context) {
  Products products;
  const auto create = [&](Direction direction,
                          std::span<const Candidate<Problem>> list)
      -> Result<std::unique_ptr<Operation>> {
    std::vector<OperationBody> bodies;
    for (const Candidate<Problem>& candidate : list) {
      if (candidate.can_compute && !candidate.can_compute(problem)) continue;
      bodies.push_back({candidate.library,
                        [&] { return candidate.create(problem, context); }});
    }
    shape.direction = direction;
    ASSIGN_OR_RETURN(const Library library,
                     ChooserOf(context).Choose(shape, bodies));
    products.multiply_adds.all += shape.multiply_adds;
    if (library == Library::kXnnpack) {
      products.multiply_adds.xnnpack += shape.multiply_adds;
    }
    return std::ranges::find(bodies, library, &OperationBody::library)
        ->create();
  };
  ASSIGN_OR_RETURN(products.forward,
                   create(Direction::kForward, candidates.forward));
  ASSIGN_OR_RETURN(products.weight_grads,
                   create(Direction::kWeightGrads, candidates.weight_grads));
  if (!wants_dx) return products;
  ASSIGN_OR_RETURN(products.input_grad,
                   create(Direction::kInputGrad, candidates.input_grad));
  return products;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_PRODUCTS_H_
