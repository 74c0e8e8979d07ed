// The products of a layer with weights, and the choice of who computes them.
#ifndef BATCHSWEEP_GRAPH_PRODUCTS_H_
#define BATCHSWEEP_GRAPH_PRODUCTS_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "graph/layer.h"
#include "graph/operation.h"
#include "platform/error.h"
#include "util/check.h"

namespace batchsweep {

// Whose code a body runs.
enum class Library {
  kXnnpack,
  kOwn,
};

// One body of an operation. `Problem` is what stays the same as long as the
// layer lives: shapes, bias, activation. An operation's list of candidates
// stands behind their classes; one body more is one line more there.
template <class Problem>
struct Candidate {
  Library library;
  Result<std::unique_ptr<Operation>> (*create)(const Problem& problem,
                                               const ComputeContext& context);
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

// Whose body computes each product.
struct ProductChoice {
  Library forward;
  Library weight_grads;
  Library input_grad;
};

// The bodies that one layer computes with.
struct Products {
  std::unique_ptr<Operation> forward;
  std::unique_ptr<Operation> weight_grads;
  std::unique_ptr<Operation> input_grad;  // null where dx is not wanted

  // See Operation; forward and backward slices may differ.
  Status Plan(const PlanContext& context, int64_t forward_slice,
              int64_t backward_slice) const;
  void Bind(const LayerTensors& tensors, const Arena& arena) const;
  Status SetBatch(int64_t batch, int64_t forward_slice, int64_t backward_slice,
                  const LayerPools& pools) const;
  // The gradients of a slice: by the weights, and by x where it is wanted.
  void RunBackward(const ExampleSlice& slice) const;
  void WeightsChanged() const;

  int64_t backward_scratch_floats() const;  // the larger one
  bool RecreatesOperators() const;
};

// REQUIRES: each list has a body of the library chosen.
template <class Problem>
Result<Products> CreateProducts(const ProductCandidates<Problem>& candidates,
                                const ProductChoice& choice,
                                const Problem& problem, bool wants_dx,
                                const ComputeContext& context) {
  const auto create = [&](std::span<const Candidate<Problem>> list,
                          Library library) {
    const auto found =
        std::ranges::find(list, library, &Candidate<Problem>::library);
    CHECK(found != list.end());
    return found->create(problem, context);
  };
  Products products;
  ASSIGN_OR_RETURN(products.forward,
                   create(candidates.forward, choice.forward));
  ASSIGN_OR_RETURN(products.weight_grads,
                   create(candidates.weight_grads, choice.weight_grads));
  if (!wants_dx) return products;
  ASSIGN_OR_RETURN(products.input_grad,
                   create(candidates.input_grad, choice.input_grad));
  return products;
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_PRODUCTS_H_
