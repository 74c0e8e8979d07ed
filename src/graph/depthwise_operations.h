// The products of a depthwise convolution, and who can compute each.
#ifndef BATCHSWEEP_GRAPH_DEPTHWISE_OPERATIONS_H_
#define BATCHSWEEP_GRAPH_DEPTHWISE_OPERATIONS_H_

#include <memory>

#include "graph/convolution_operations.h"

namespace batchsweep {

// y = activation(depthwise conv(x, W) + b), from slices' x to their y.
ConvolutionCandidates DepthwiseForwards();
// dW and db, the sums over the batch, from slices' x and dy.
ConvolutionCandidates DepthwiseParamGrads();
// dx, from slices' dy.
ConvolutionCandidates DepthwiseInputGrads();

// The bodies that compute a layer's products.
struct DepthwiseProducts {
  std::unique_ptr<Operation> forward;
  std::unique_ptr<Operation> param_grads;
  std::unique_ptr<Operation> input_grad;  // null where dx is not wanted
};
Result<DepthwiseProducts> CreateDepthwiseProducts(
    const ConvolutionProblem& problem, bool wants_dx,
    const ComputeContext& context);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_DEPTHWISE_OPERATIONS_H_
