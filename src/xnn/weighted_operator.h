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

// Of two-dimensional windows: zeros around the image, in pixels.
struct Margins {
  int64_t top = 0;
  int64_t right = 0;
  int64_t bottom = 0;
  int64_t left = 0;
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
  using WeightedOperator::WeightedOperator;
  Status Restore() override;

  int64_t batch_ = 0;
  ThreadPool* pool_ = nullptr;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

// A convolution of NHWC images, kernel (KH, KW, C, OC); or, depthwise, each
// input channel with its own `out_channels / channels` kernels, kernel (KH, KW,
// C, multiplier).
struct ConvolutionOptions {
  int64_t channels = 0;
  int64_t out_channels = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t dilation_height = 1, dilation_width = 1;
  Margins padding;
  bool depthwise = false;
  bool use_bias = false;
  Clamp clamp;
  bool recreate = false;
};

// y = clamp(conv(x) + b). x (N, H, W, C), y (N, OH, OW, OC).
class Convolution final : public WeightedOperator {
 public:
  static Result<Convolution> Create(const ConvolutionOptions& options);

  // Returns the workspace's bytes.
  Result<int64_t> Reshape(int64_t batch, int64_t height, int64_t width,
                          ThreadPool& pool);
  Status Bind(std::byte* workspace, const float* x, float* y);

 private:
  using WeightedOperator::WeightedOperator;
  Status Restore() override;

  int64_t batch_ = 0, height_ = 0, width_ = 0;
  ThreadPool* pool_ = nullptr;
  std::byte* workspace_ = nullptr;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

// The gradient by x of the convolution of `options` (not depthwise, its bias
// and clamp apart): dx (N, H, W, C) from dy (N, OH, OW, OC), with the
// convolution's own kernel, (KH, KW, C, OC). With strides it is XNNPACK's
// deconvolution. Without it is the convolution of dy with the kernel turned
// around, which is the same sum and up to five times as fast (32x32x16 to 16).
class ConvolutionInputGradient final : public WeightedOperator {
 public:
  static Result<ConvolutionInputGradient> Create(
      const ConvolutionOptions& options);

  // height, width: of dx. out_height, out_width: of dy.
  Status Reshape(int64_t batch, int64_t height, int64_t width,
                 int64_t out_height, int64_t out_width, ThreadPool& pool);
  Status Bind(const float* dy, float* dx);

 private:
  ConvolutionInputGradient(std::unique_ptr<LiveWeights> weights,
                           const ConvolutionOptions& options, bool turned)
      : WeightedOperator(std::move(weights), "convolution's gradient"),
        options_(options),
        turned_(turned) {}
  Status Restore() override;

  ConvolutionOptions options_;
  bool turned_ = false;  // a convolution, with the kernel turned around
  int64_t batch_ = 0, height_ = 0, width_ = 0, out_height_ = 0, out_width_ = 0;
  ThreadPool* pool_ = nullptr;
  const float* dy_ = nullptr;
  float* dx_ = nullptr;
};

}  // namespace batchsweep::xnn

#endif  // BATCHSWEEP_XNN_WEIGHTED_OPERATOR_H_
