// XNNPACK's convolutions with live weights, and the gradient by their input.
#ifndef BATCHSWEEP_XNN_CONVOLUTION_H_
#define BATCHSWEEP_XNN_CONVOLUTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "platform/error.h"
#include "xnn/sizes.h"
#include "xnn/thread_pool.h"
#include "xnn/weighted_operator.h"

namespace batchsweep::xnn {

// Of two-dimensional windows: zeros around the image, in pixels.
struct Margins {
  int64_t top = 0;
  int64_t right = 0;
  int64_t bottom = 0;
  int64_t left = 0;
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

// Refuses sizes that XNNPACK would multiply beyond `most_bytes` in creating the
// operator, and those in reshaping it for a batch of images.
Status CheckSizes(const ConvolutionOptions& options,
                  int64_t most_bytes = kMostBytes);
Status CheckSizesOn(const ConvolutionOptions& options, int64_t batch,
                    int64_t height, int64_t width,
                    int64_t most_bytes = kMostBytes);

// y = clamp(conv(x) + b). x (N, H, W, C), y (N, OH, OW, OC).
class Convolution final : public WeightedOperator {
 public:
  static Result<Convolution> Create(const ConvolutionOptions& options);

  // Returns the workspace's bytes.
  Result<int64_t> Reshape(int64_t batch, int64_t height, int64_t width,
                          ThreadPool& pool);
  Status Bind(std::byte* workspace, const float* x, float* y);

 private:
  Convolution(std::unique_ptr<LiveWeights> weights,
              const ConvolutionOptions& options)
      : WeightedOperator(std::move(weights), "convolution"),
        options_(options) {}
  Status Restore() override;

  ConvolutionOptions options_;
  int64_t batch_ = 0, height_ = 0, width_ = 0;
  ThreadPool* pool_ = nullptr;
  std::byte* workspace_ = nullptr;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

// The gradient by x of the convolution of `options` (its bias and clamp apart):
// dx (N, H, W, C) from dy (N, OH, OW, OC), with the convolution's own kernel,
// (KH, KW, C, OC). Without strides it is the convolution of dy with the kernel
// turned around; that is the same sum as XNNPACK's deconvolution and up to five
// times as fast (32x32x16 to 16). With strides it is that deconvolution.
class ConvolutionInputGradient final : public WeightedOperator {
 public:
  // A deconvolution in groups would be 17 times slower than kernels of ours, so
  // of depthwise convolutions it has only what can be turned around.
  static bool CanCompute(const ConvolutionOptions& options);
  // REQUIRES: CanCompute(options).
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
  Status ReshapeDeconvolution(ThreadPool& pool);

  ConvolutionOptions options_;
  bool turned_ = false;  // a convolution, with the kernel turned around
  int64_t batch_ = 0, height_ = 0, width_ = 0, out_height_ = 0, out_width_ = 0;
  ThreadPool* pool_ = nullptr;
  const float* dy_ = nullptr;
  float* dx_ = nullptr;
};

}  // namespace batchsweep::xnn

#endif  // BATCHSWEEP_XNN_CONVOLUTION_H_
