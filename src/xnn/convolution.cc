#include "xnn/convolution.h"

#include <xnnpack.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "util/check.h"

namespace batchsweep::xnn {
namespace {

size_t Size(int64_t value) { return static_cast<size_t>(value); }
uint32_t U32(int64_t value) { return static_cast<uint32_t>(value); }

// XNNPACK's (OC, KH, KW, C) to ours, (KH, KW, C, OC).
std::vector<int64_t> ConvolutionOrder(const ConvolutionOptions& options) {
  const int64_t oc = options.out_channels;
  const int64_t rest =
      options.kernel_height * options.kernel_width * options.channels;
  std::vector<int64_t> order;
  order.reserve(Size(rest * oc));
  for (int64_t o = 0; o < oc; ++o) {
    for (int64_t i = 0; i < rest; ++i) order.push_back(i * oc + o);
  }
  return order;
}

// A deconvolution's (C, KH, KW, OC), its input being dy, to (KH, KW, C, OC).
std::vector<int64_t> GradientOrder(const ConvolutionOptions& options) {
  const int64_t c = options.channels, oc = options.out_channels;
  const int64_t taps = options.kernel_height * options.kernel_width;
  std::vector<int64_t> order;
  order.reserve(Size(taps * c * oc));
  for (int64_t i = 0; i < c; ++i) {
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t o = 0; o < oc; ++o) order.push_back((t * c + i) * oc + o);
    }
  }
  return order;
}

// The convolution of dy that gives dx, for strides of 1: channels exchanged,
// and as many zeros around dy as let each pixel of dx meet the whole kernel.
// Absent where the convolution's own padding is wider than its kernel.
std::optional<ConvolutionOptions> Turned(const ConvolutionOptions& options) {
  if (options.stride_height != 1 || options.stride_width != 1) return {};
  const int64_t height = (options.kernel_height - 1) * options.dilation_height;
  const int64_t width = (options.kernel_width - 1) * options.dilation_width;
  ConvolutionOptions turned = options;
  turned.channels = options.out_channels;
  turned.out_channels = options.channels;
  turned.padding = {.top = height - options.padding.top,
                    .right = width - options.padding.right,
                    .bottom = height - options.padding.bottom,
                    .left = width - options.padding.left};
  turned.use_bias = false;
  turned.clamp = {};
  const Margins& p = turned.padding;
  if (std::min({p.top, p.right, p.bottom, p.left}) < 0) return {};
  return turned;
}

// Both have (KH, KW, C); ours is read from the last tap to the first.
std::vector<int64_t> TurnedDepthwiseOrder(int64_t taps, int64_t channels) {
  std::vector<int64_t> order;
  order.reserve(Size(taps * channels));
  for (int64_t t = taps - 1; t >= 0; --t) {
    for (int64_t c = 0; c < channels; ++c) order.push_back(t * channels + c);
  }
  return order;
}

// The turned convolution's (C, KH, KW, OC) to ours, (KH, KW, C, OC) read from
// the last tap to the first.
std::vector<int64_t> TurnedOrder(const ConvolutionOptions& options) {
  const int64_t taps = options.kernel_height * options.kernel_width;
  if (options.depthwise) return TurnedDepthwiseOrder(taps, options.channels);
  std::vector<int64_t> order = GradientOrder(options);
  const int64_t oc = options.out_channels;
  for (int64_t c = 0; c < options.channels; ++c) {
    int64_t* const begin = order.data() + c * taps * oc;
    for (int64_t t = 0; t < taps / 2; ++t) {
      std::swap_ranges(begin + t * oc, begin + (t + 1) * oc,
                       begin + (taps - 1 - t) * oc);
    }
  }
  return order;
}

int CreateConvolution(const ConvolutionOptions& options, const float* kernel,
                      const float* bias, xnn_weights_cache_t cache,
                      xnn_operator_t* op) {
  const int64_t groups = options.depthwise ? options.channels : 1;
  return xnn_create_convolution2d_nhwc_f32(
      U32(options.padding.top), U32(options.padding.right),
      U32(options.padding.bottom), U32(options.padding.left),
      U32(options.kernel_height), U32(options.kernel_width),
      U32(options.stride_height), U32(options.stride_width),
      U32(options.dilation_height), U32(options.dilation_width), U32(groups),
      Size(options.channels / groups), Size(options.out_channels / groups),
      Size(options.channels), Size(options.out_channels), kernel, bias,
      options.clamp.min, options.clamp.max,
      options.depthwise ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0,
      /*code_cache=*/nullptr, cache, op);
}

// The gradient by x of the convolution of `options`: its input is dy.
int CreateDeconvolution(const ConvolutionOptions& options, const float* kernel,
                        const float* bias, xnn_weights_cache_t cache,
                        xnn_operator_t* op) {
  constexpr Clamp kNone;
  return xnn_create_deconvolution2d_nhwc_f32(
      U32(options.padding.top), U32(options.padding.right),
      U32(options.padding.bottom), U32(options.padding.left),
      U32(options.kernel_height), U32(options.kernel_width),
      U32(options.stride_height), U32(options.stride_width),
      U32(options.dilation_height), U32(options.dilation_width),
      /*groups=*/1, Size(options.out_channels), Size(options.channels),
      Size(options.out_channels), Size(options.channels), kernel, bias,
      kNone.min, kNone.max, /*flags=*/0, /*code_cache=*/nullptr, cache, op);
}

}  // namespace

Result<Convolution> Convolution::Create(const ConvolutionOptions& options) {
  RETURN_IF_ERROR(CheckSizes(options));
  std::vector<int64_t> order;
  if (options.depthwise) {
    // Both have (KH, KW, C * multiplier).
    order.resize(Size(options.kernel_height * options.kernel_width *
                      options.out_channels));
    std::iota(order.begin(), order.end(), 0);
  } else {
    order = ConvolutionOrder(options);
  }
  const auto create = [options](const float* kernel, const float* bias,
                                xnn_weights_cache_t cache, xnn_operator_t* op) {
    return CreateConvolution(options, kernel, bias, cache, op);
  };
  ASSIGN_OR_RETURN(auto weights,
                   LiveWeights::Create(
                       {.order = std::move(order),
                        .biases = options.use_bias ? options.out_channels : 0,
                        .recreate = options.recreate,
                        .what = "convolution"},
                       create));
  return Convolution(std::move(weights), options);
}

Result<int64_t> Convolution::Reshape(int64_t batch, int64_t height,
                                     int64_t width, ThreadPool& pool) {
  RETURN_IF_ERROR(CheckSizesOn(options_, batch, height, width));
  batch_ = batch;
  height_ = height;
  width_ = width;
  pool_ = &pool;
  size_t bytes = 0, alignment = 0;
  RETURN_IF_ERROR(
      ToStatus(xnn_reshape_convolution2d_nhwc_f32(
                   op(), Size(batch), Size(height), Size(width), &bytes,
                   &alignment, /*output_height_out=*/nullptr,
                   /*output_width_out=*/nullptr, pool.get()),
               "reshape"));
  CHECK(alignment <= 64);
  return static_cast<int64_t>(bytes);
}

Status Convolution::Bind(std::byte* workspace, const float* x, float* y) {
  workspace_ = workspace;
  x_ = x;
  y_ = y;
  return ToStatus(xnn_setup_convolution2d_nhwc_f32(op(), workspace, x, y),
                  "bind");
}

Status Convolution::Restore() {
  if (pool_ == nullptr) return {};
  RETURN_IF_ERROR(Reshape(batch_, height_, width_, *pool_));
  return Bind(workspace_, x_, y_);
}

bool ConvolutionInputGradient::CanCompute(const ConvolutionOptions& options) {
  if (!options.depthwise) return true;
  // More taps than this go through a workspace of their own.
  constexpr int64_t kMostTaps = 25;
  return options.out_channels == options.channels &&
         options.kernel_height * options.kernel_width <= kMostTaps &&
         Turned(options).has_value();
}

Result<ConvolutionInputGradient> ConvolutionInputGradient::Create(
    const ConvolutionOptions& options) {
  CHECK(CanCompute(options));
  RETURN_IF_ERROR(CheckSizes(options));
  if (const auto turned = Turned(options)) {
    ASSIGN_OR_RETURN(
        auto weights,
        LiveWeights::Create(
            {.order = TurnedOrder(options),
             .recreate = options.recreate,
             .what = "convolution's gradient"},
            [turned](const float* kernel, const float* bias,
                     xnn_weights_cache_t cache, xnn_operator_t* op) {
              return CreateConvolution(*turned, kernel, bias, cache, op);
            }));
    return ConvolutionInputGradient(std::move(weights), options,
                                    /*turned=*/true);
  }
  const auto create = [options](const float* kernel, const float* bias,
                                xnn_weights_cache_t cache, xnn_operator_t* op) {
    return CreateDeconvolution(options, kernel, bias, cache, op);
  };
  ASSIGN_OR_RETURN(auto weights,
                   LiveWeights::Create({.order = GradientOrder(options),
                                        .recreate = options.recreate,
                                        .what = "convolution's gradient"},
                                       create));
  return ConvolutionInputGradient(std::move(weights), options,
                                  /*turned=*/false);
}

Status ConvolutionInputGradient::Reshape(int64_t batch, int64_t height,
                                         int64_t width, int64_t out_height,
                                         int64_t out_width, ThreadPool& pool) {
  RETURN_IF_ERROR(CheckSizesOn(options_, batch, height, width));
  // The turned convolution goes over dy and stops at each pixel of dx.
  RETURN_IF_ERROR(
      CheckBytes("convolution's gradient",
                 {height, width + kPackedPadding, options_.kernel_height,
                  options_.kernel_width, sizeof(void*)}));
  batch_ = batch;
  height_ = height;
  width_ = width;
  out_height_ = out_height;
  out_width_ = out_width;
  pool_ = &pool;
  if (turned_) {
    size_t bytes = 0, alignment = 0;
    RETURN_IF_ERROR(
        ToStatus(xnn_reshape_convolution2d_nhwc_f32(
                     op(), Size(batch), Size(out_height), Size(out_width),
                     &bytes, &alignment, /*output_height_out=*/nullptr,
                     /*output_width_out=*/nullptr, pool.get()),
                 "reshape"));
    CHECK(bytes == 0);  // no transient indirection was asked for
    return {};
  }
  return ReshapeDeconvolution(pool);
}

Status ConvolutionInputGradient::ReshapeDeconvolution(ThreadPool& pool) {
  // Rows of the image that the last window did not reach.
  const auto adjustment = [](int64_t in, int64_t out, int64_t kernel,
                             int64_t stride, int64_t dilation,
                             int64_t padding) {
    return in + padding - ((out - 1) * stride + (kernel - 1) * dilation + 1);
  };
  const Margins& padding = options_.padding;
  const int64_t adjustment_height = adjustment(
      height_, out_height_, options_.kernel_height, options_.stride_height,
      options_.dilation_height, padding.top + padding.bottom);
  const int64_t adjustment_width = adjustment(
      width_, out_width_, options_.kernel_width, options_.stride_width,
      options_.dilation_width, padding.left + padding.right);
  return ToStatus(xnn_reshape_deconvolution2d_nhwc_f32(
                      op(), Size(batch_), Size(out_height_), Size(out_width_),
                      U32(adjustment_height), U32(adjustment_width),
                      /*output_height_out=*/nullptr,
                      /*output_width_out=*/nullptr, pool.get()),
                  "reshape");
}

Status ConvolutionInputGradient::Bind(const float* dy, float* dx) {
  dy_ = dy;
  dx_ = dx;
  return ToStatus(turned_ ? xnn_setup_convolution2d_nhwc_f32(
                                op(), /*workspace=*/nullptr, dy, dx)
                          : xnn_setup_deconvolution2d_nhwc_f32(op(), dy, dx),
                  "bind");
}

Status ConvolutionInputGradient::Restore() {
  if (pool_ == nullptr) return {};
  RETURN_IF_ERROR(
      Reshape(batch_, height_, width_, out_height_, out_width_, *pool_));
  return Bind(dy_, dx_);
}

}  // namespace batchsweep::xnn
