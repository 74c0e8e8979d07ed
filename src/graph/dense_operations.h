// The products of a dense layer, and who can compute each.
#ifndef BATCHSWEEP_GRAPH_DENSE_OPERATIONS_H_
#define BATCHSWEEP_GRAPH_DENSE_OPERATIONS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "graph/products.h"
#include "model/model_spec.h"
#include "platform/error.h"

namespace batchsweep {

// Of one dense layer: x (N, in), y (N, out), kernel (in, out).
struct DenseProblem {
  std::string name;  // of the layer
  int64_t in = 0;
  int64_t out = 0;
  bool use_bias = false;
  // Whether W is updated tile by tile of dW, which is then not stored, if our
  // body computes it. REQUIRES: HasUpdateTiles(out).
  bool fuses_update = false;
  // Linear, relu or relu6; any other is a layer of its own.
  Activation activation = Activation::kLinear;
};

// Whether rows of dW are short enough for tiles of several of them.
bool HasUpdateTiles(int64_t out);

using DenseCandidates = std::span<const Candidate<DenseProblem>>;

// y = activation(x W + b)
DenseCandidates DenseForwards();
// dW = x' dy
DenseCandidates DenseKernelGrads();
// dx = dy W'
DenseCandidates DenseInputGrads();

// XNNPACK's bodies of these, in dense_xnnpack.cc.
Result<std::unique_ptr<Operation>> CreateXnnpackDenseForward(
    const DenseProblem& problem, const ComputeContext& context);
Result<std::unique_ptr<Operation>> CreateXnnpackDenseKernelGrad(
    const DenseProblem& problem, const ComputeContext& context);
Result<std::unique_ptr<Operation>> CreateXnnpackDenseInputGrad(
    const DenseProblem& problem, const ComputeContext& context);

// The bodies that context.chooser takes.
Result<Products> CreateDenseProducts(const DenseProblem& problem, bool wants_dx,
                                     const ComputeContext& context);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_DENSE_OPERATIONS_H_
