// The products of a depthwise convolution, and who can compute each.
#ifndef BATCHSWEEP_GRAPH_DEPTHWISE_OPERATIONS_H_
#define BATCHSWEEP_GRAPH_DEPTHWISE_OPERATIONS_H_

#include "graph/convolution_operations.h"

namespace batchsweep {

// y = activation(depthwise conv(x, W) + b)
ConvolutionCandidates DepthwiseForwards();
// dW and db, the sums over the batch.
ConvolutionCandidates DepthwiseWeightGrads();
// dx
ConvolutionCandidates DepthwiseInputGrads();

// The bodies that context.chooser takes.
Result<Products> CreateDepthwiseProducts(const ConvolutionProblem& problem,
                                         bool wants_dx,
                                         const ComputeContext& context);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_DEPTHWISE_OPERATIONS_H_
