// The norms that tell how noisy gradients are, measured on a step's way back.
//
// An example's share in the gradient of the batch's mean loss is the gradient
// of its own loss, over the batch size. Of a dense layer it is the product of
// the example's row a of x and row g of dy, whose squared norm is |a|^2 |g|^2,
// and |g|^2 of the bias: no gradient of a single example is ever made there
// [Goodfellow 2015, arXiv 1510.01799; Gray et al. 2024, arXiv 2411.00999].
#ifndef BATCHSWEEP_GRAPH_GRADIENT_NORMS_H_
#define BATCHSWEEP_GRAPH_GRADIENT_NORMS_H_

#include <cstdint>

namespace batchsweep {

// Whose parameters count: no measurement at all, dense layers' alone, or also
// those of convolutions, whose gradient is then made for each image by itself.
enum class NoiseScope { kNone, kDense, kAll };
constexpr const char* NameOf(NoiseScope scope) {
  switch (scope) {
    case NoiseScope::kNone:
      return "none";
    case NoiseScope::kDense:
      return "dense";
    case NoiseScope::kAll:
      return "all";
  }
  return nullptr;
}

// Of one step, over the parameters in scope; kernels' penalties, which are the
// same for all examples, are left out.
struct GradientNorms {
  NoiseScope scope = NoiseScope::kDense;
  double share_squares = 0.0;  // of each example's share, summed over them
  double mean_square = 0.0;    // of the whole gradient, the sum of the shares
  int64_t time_ns = 0;         // that measuring took, within the way back
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_GRADIENT_NORMS_H_
