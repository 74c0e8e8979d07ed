// XNNPACK's fully connected operator with live weights.
#ifndef BATCHSWEEP_XNN_FULLY_CONNECTED_H_
#define BATCHSWEEP_XNN_FULLY_CONNECTED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "platform/error.h"
#include "xnn/thread_pool.h"
#include "xnn/weighted_operator.h"

namespace batchsweep::xnn {

// y = clamp(x W + b). x (batch, in), kernel (in, out), y (batch, out).
class FullyConnected final : public WeightedOperator {
 public:
  struct Options {
    int64_t in = 0;
    int64_t out = 0;
    bool use_bias = false;
    Clamp clamp;
    bool recreate = false;  // see LiveWeights::Options
  };
  static Result<FullyConnected> Create(const Options& options);

  Status Reshape(int64_t batch, ThreadPool& pool);
  Status Bind(const float* x, float* y);

 private:
  FullyConnected(std::unique_ptr<LiveWeights> weights, int64_t widest)
      : WeightedOperator(std::move(weights), "fully connected"),
        widest_(widest) {}
  Status Restore() override;

  int64_t widest_ = 0;  // of an example's inputs and outputs
  int64_t batch_ = 0;
  ThreadPool* pool_ = nullptr;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace batchsweep::xnn

#endif  // BATCHSWEEP_XNN_FULLY_CONNECTED_H_
