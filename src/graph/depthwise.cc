#include <algorithm>

#include "graph/arithmetic.h"
#include "graph/depthwise_operations.h"
#include "graph/image_slices.h"
#include "graph/layer_builder.h"

namespace batchsweep {
namespace {

// y = activation(depthwise conv(x, W) + b). Forward, the batch goes through at
// once; backward by slices, so that dy is still in the cache when the second
// gradient reads it.
class Depthwise : public Layer {
 public:
  Depthwise(const ConvolutionProblem& problem, Products products,
            const ComputeContext& context)
      : problem_(problem),
        products_(std::move(products)),
        kernels_(*context.kernels),
        in_size_(problem.in_size()),
        out_size_(problem.out_size()),
        kernel_size_(problem.window.window_height *
                     problem.window.window_width * problem.out_channels) {}

  Status Plan(const PlanContext& context) override {
    const int64_t batch = context.max_batch;
    return products_.Plan(context, batch,
                          BackwardSlice(batch, kMaxSliceThreads));
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    products_.Bind(tensors, arena);
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    slice_ = BackwardSlice(batch, pools.backward->threads());
    return products_.SetBatch(batch, batch, slice_, pools);
  }

  void Forward(const ForwardContext&) override {
    products_.forward->Run(
        {.first = 0, .count = batch_, .x = tensors_.x[0], .y = tensors_.y});
  }

  void Backward() override {
    for (int64_t first = 0; first < batch_; first += slice_) {
      float* dy = tensors_.dy + first * out_size_;
      const int64_t count = std::min(slice_, batch_ - first);
      ActivationGrad(problem_.activation, tensors_.y + first * out_size_,
                     count * out_size_, dy, kernels_, *pools_.backward);
      products_.RunBackward({.first = first,
                             .count = count,
                             .x = tensors_.x[0] + first * in_size_,
                             .dy = dy,
                             .dx = Part(tensors_.dx[0], first * in_size_)});
    }
  }

  // As a convolution's.
  std::optional<double> ShareSquares(NoiseScope scope) override {
    if (scope != NoiseScope::kAll) return {};
    ThreadPool& pool = *pools_.backward;
    products_.SetGradientBatch(1, 1, pool);
    double sum = 0.0;
    for (int64_t i = 0; i < batch_; ++i) {
      float* dy = tensors_.dy + i * out_size_;
      ActivationGrad(problem_.activation, tensors_.y + i * out_size_, out_size_,
                     dy, kernels_, pool);
      products_.weight_grads->Run(
          {.count = 1, .x = tensors_.x[0] + i * in_size_, .dy = dy});
      sum += kernels_.sum_of_squares(tensors_.grads[0], kernel_size_);
      if (problem_.use_bias) {
        sum +=
            kernels_.sum_of_squares(tensors_.grads[1], problem_.out_channels);
      }
    }
    products_.SetGradientBatch(batch_, slice_, pool);
    return sum;
  }

  void WeightsChanged() override { products_.WeightsChanged(); }

  bool BackwardReadsY() const override {
    return problem_.activation != Activation::kLinear;
  }
  MultiplyAdds Work() const override { return products_.multiply_adds; }
  bool RecreatesOperators() const override {
    return products_.RecreatesOperators();
  }

 private:
  int64_t BackwardSlice(int64_t batch, int64_t threads) const {
    return SliceImages(std::max(in_size_, out_size_), batch, threads);
  }

  const ConvolutionProblem problem_;
  const Products products_;
  const Kernels& kernels_;
  const int64_t in_size_;  // floats of one image
  const int64_t out_size_;
  const int64_t kernel_size_;
  LayerTensors tensors_;
  LayerPools pools_;
  int64_t batch_ = 0;
  int64_t slice_ = 0;  // images that go backward together
};

// Appends the convolution that makes `output` of what is in front.
Status AppendDepthwise(const DepthwiseConv2DSpec& spec, const Shape& output,
                       LayerBuilder& builder) {
  const Shape& input = builder.input_shape();
  const ConvolutionProblem problem{
      .name = spec.name,
      .window = GeometryOf(spec.Window(), input, output),
      .out_channels = input.dims[2] * spec.depth_multiplier,
      .depthwise = true,
      .use_bias = spec.use_bias,
      .activation = ComputedActivation(spec.activation)};
  ASSIGN_OR_RETURN(
      Products products,
      CreateDepthwiseProducts(problem, builder.wants_dx(), builder.context()));
  builder.Append(std::make_unique<Depthwise>(problem, std::move(products),
                                             builder.context()),
                 output, spec.Params(input));
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
  // Its two convolutions have products of the same kinds, which a name tells
  // apart.
  DepthwiseConv2DSpec depthwise = spec.depthwise;
  depthwise.name += "/depthwise";
  RETURN_IF_ERROR(AppendDepthwise(depthwise, middle, builder));
  return BuildLayer(spec.pointwise, builder);
}

}  // namespace batchsweep
