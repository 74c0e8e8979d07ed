#include <algorithm>
#include <string>

#include "graph/arithmetic.h"
#include "graph/layer_builder.h"
#include "graph/packed_weights.h"
#include "xnn/weighted_operator.h"

namespace batchsweep {
namespace {

// y = activation(depthwise conv(x, W) + b). Forward is XNNPACK's operator with
// live weights; it has none for the gradients, which are kernels of ours.
class Depthwise : public Layer {
 public:
  Depthwise(const DepthwiseConv2DSpec& spec, const WindowGeometry& window,
            xnn::Convolution forward, const ComputeContext& context)
      : name_(spec.name),
        window_(window),
        multiplier_(spec.depth_multiplier),
        out_channels_(window.channels * spec.depth_multiplier),
        activation_(ComputesActivation(spec.activation) ? spec.activation
                                                        : Activation::kLinear),
        use_bias_(spec.use_bias),
        kernels_(*context.kernels),
        forward_(std::move(forward)),
        in_size_(window.height * window.width * window.channels),
        out_size_(window.out_height * window.out_width * out_channels_),
        taps_(window.window_height * window.window_width * out_channels_) {}

  Status Plan(const PlanContext& context) override {
    weights_.Plan(name_ + "/packed", forward_, context, context.forward);
    ASSIGN_OR_RETURN(const int64_t bytes,
                     forward_.Reshape(context.max_batch, window_.height,
                                      window_.width, *pools_.forward));
    workspace_id_ =
        context.planner.Add(name_ + "/workspace", MemoryClass::kWorkspace,
                            bytes, context.forward, context.forward);
    // The kernel's gradient of each image, and the bias'.
    partial_id_ = context.planner.Add(
        name_ + "/partial gradients", MemoryClass::kWorkspace,
        context.max_batch * (taps_ + out_channels_) * kFloatBytes,
        context.backward, context.backward);
    return {};
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    workspace_ = arena.At(workspace_id_);
    partial_ = arena.Floats(partial_id_);
    weights_.Bind(arena, tensors.params[0],
                  use_bias_ ? tensors.params[1] : nullptr, forward_);
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    RETURN_IF_ERROR(
        forward_.Reshape(batch, window_.height, window_.width, *pools.forward));
    return forward_.Bind(workspace_, tensors_.x[0], tensors_.y);
  }

  void Forward(const ForwardContext&) override {
    weights_.BeforeRun(forward_);
    forward_.Run(*pools_.forward);
  }

  void Backward() override {
    const int64_t sums = taps_ + out_channels_;
    pools_.backward->ParallelFor(batch_, TileOf(batch_, 1, *pools_.backward),
                                 [&](int64_t begin, int64_t count) {
                                   for (int64_t i = begin; i < begin + count;
                                        ++i) {
                                     BackwardImage(i, partial_ + i * sums);
                                   }
                                 });
    for (int64_t j = 0; j < (use_bias_ ? sums : taps_); ++j) {
      double sum = 0.0;
      for (int64_t i = 0; i < batch_; ++i) {
        sum += static_cast<double>(partial_[i * sums + j]);
      }
      (j < taps_ ? tensors_.grads[0][j] : tensors_.grads[1][j - taps_]) =
          static_cast<float>(sum);
    }
  }

  void WeightsChanged() override { weights_.WeightsChanged(forward_); }
  bool BackwardReadsY() const override {
    return activation_ != Activation::kLinear;
  }
  bool RecreatesOperators() const override { return !forward_.live(); }

 private:
  void BackwardImage(int64_t example, float* sums) {
    float* dy = tensors_.dy + example * out_size_;
    const float* y = tensors_.y + example * out_size_;
    if (activation_ == Activation::kRelu) {
      kernels_.relu_grad(y, dy, out_size_, dy);
    } else if (activation_ == Activation::kRelu6) {
      kernels_.relu6_grad(y, dy, out_size_, dy);
    }
    std::fill_n(sums, taps_, 0.0f);
    kernels_.depthwise_kernel_grad(
        window_, multiplier_, tensors_.x[0] + example * in_size_, dy, sums);
    if (use_bias_) {
      kernels_.column_sums(dy, window_.out_height * window_.out_width,
                           out_channels_, sums + taps_);
    }
    if (tensors_.dx[0] == nullptr) return;
    kernels_.depthwise_input_grad(window_, multiplier_, dy, tensors_.params[0],
                                  tensors_.dx[0] + example * in_size_);
  }

  const std::string name_;
  const WindowGeometry window_;
  const int64_t multiplier_;
  const int64_t out_channels_;
  const Activation activation_;
  const bool use_bias_;
  const Kernels& kernels_;
  xnn::Convolution forward_;
  PackedWeights weights_;
  const int64_t in_size_;
  const int64_t out_size_;
  const int64_t taps_;

  int workspace_id_ = -1;  // of the planner
  int partial_id_ = -1;
  LayerTensors tensors_;
  ThreadPool serial_{1};
  LayerPools pools_{&serial_, &serial_};
  std::byte* workspace_ = nullptr;
  float* partial_ = nullptr;
  int64_t batch_ = 0;
};

// Appends the convolution that makes `output` of what is in front.
Status AppendDepthwise(const DepthwiseConv2DSpec& spec, const Shape& output,
                       LayerBuilder& builder) {
  const WindowGeometry window = MakeWindow({.size = spec.kernel_size,
                                            .strides = spec.strides,
                                            .dilation = spec.dilation,
                                            .padding = spec.padding},
                                           builder.input_shape(), output);
  xnn::ConvolutionOptions options =
      ConvolutionOptionsOf(window, window.channels * spec.depth_multiplier,
                           spec.use_bias, spec.activation);
  options.depthwise = true;
  ASSIGN_OR_RETURN(auto forward, xnn::Convolution::Create(options));
  builder.Append(std::make_unique<Depthwise>(spec, window, std::move(forward),
                                             builder.context()),
                 output, spec.use_bias ? 2 : 1);
  return {};
}

}  // namespace

Status BuildLayer(const DepthwiseConv2DSpec& spec, LayerBuilder& builder) {
  RETURN_IF_ERROR(AppendDepthwise(spec, builder.output_shape(), builder));
  return BuildActivationBehind(spec.activation, builder);
}

// A depthwise convolution, and behind it a convolution of 1x1.
Status BuildLayer(const SeparableConv2DSpec& spec, LayerBuilder& builder) {
  Shape middle = builder.output_shape();
  middle.dims[2] =
      builder.input_shape().dims[2] * spec.depthwise.depth_multiplier;
  RETURN_IF_ERROR(AppendDepthwise(spec.depthwise, middle, builder));
  return BuildLayer(spec.pointwise, builder);
}

}  // namespace batchsweep
