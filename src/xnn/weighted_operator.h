// XNNPACK's operators that pack their weights when created, made to train: see
// live_weights.h. Kernels are in Keras' layouts. Create, plan packed_bytes(),
// BindWeights, then Reshape and Bind for each batch size; Refresh after each
// change of the weights; Run as often as wanted.
#ifndef BATCHSWEEP_XNN_WEIGHTED_OPERATOR_H_
#define BATCHSWEEP_XNN_WEIGHTED_OPERATOR_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "platform/error.h"
#include "xnn/live_weights.h"
#include "xnn/thread_pool.h"

namespace batchsweep::xnn {

// What the output is cut off at: 0 below for relu, 6 above for relu6.
struct Clamp {
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
};

class WeightedOperator {
 public:
  bool live() const { return weights_->live(); }
  int64_t packed_bytes() const { return weights_->packed_bytes(); }
  // See LiveWeights::Bind().
  void BindWeights(std::byte* packed, bool shared = false) {
    weights_->Bind(packed, shared);
  }

  // REQUIRES: BindWeights(). Allocates nothing if live().
  Status Refresh(const float* kernel, const float* bias);
  // REQUIRES: Reshape, Bind and Refresh succeeded.
  void Run(ThreadPool& pool) const;

 protected:
  WeightedOperator(std::unique_ptr<LiveWeights> weights, const char* what)
      : weights_(std::move(weights)), what_(what) {}
  ~WeightedOperator() = default;
  WeightedOperator(WeightedOperator&&) = default;
  WeightedOperator& operator=(WeightedOperator&&) = default;

  // Shape and pointers once more, for an operator that is created anew.
  virtual Status Restore() = 0;
  Status ToStatus(int status, const char* step) const;
  xnn_operator* op() const { return weights_->get(); }

 private:
  std::unique_ptr<LiveWeights> weights_;
  const char* what_;
};

}  // namespace batchsweep::xnn

#endif  // BATCHSWEEP_XNN_WEIGHTED_OPERATOR_H_
