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
  Depthwise(const ConvolutionProblem& problem, DepthwiseProducts products,
            const ComputeContext& context)
      : problem_(problem),
        products_(std::move(products)),
        kernels_(*context.kernels),
        in_size_(problem.in_size()),
        out_size_(problem.out_size()) {}

  Status Plan(const PlanContext& context) override {
    const int64_t batch = context.max_batch;
    const int64_t slice = BackwardSlice(batch, kMaxSliceThreads);
    RETURN_IF_ERROR(products_.forward->Plan(context, batch));
    RETURN_IF_ERROR(products_.param_grads->Plan(context, slice));
    if (products_.input_grad == nullptr) return {};
    return products_.input_grad->Plan(context, slice);
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    ForEachProduct([&](Operation& op) { op.Bind(tensors, arena); });
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    slice_ = BackwardSlice(batch, pools.backward->threads());
    ThreadPool& backward = *pools.backward;
    RETURN_IF_ERROR(products_.forward->SetBatch(batch, batch, *pools.forward));
    RETURN_IF_ERROR(products_.param_grads->SetBatch(batch, slice_, backward));
    if (products_.input_grad == nullptr) return {};
    return products_.input_grad->SetBatch(batch, slice_, backward);
  }

  void Forward(const ForwardContext&) override {
    products_.forward->Run(
        {.first = 0, .count = batch_, .x = tensors_.x[0], .y = tensors_.y});
  }

  void Backward() override {
    for (int64_t first = 0; first < batch_; first += slice_) {
      float* dy = tensors_.dy + first * out_size_;
      ExampleSlice slice{.first = first,
                         .count = std::min(slice_, batch_ - first),
                         .x = tensors_.x[0] + first * in_size_,
                         .dy = dy};
      ActivationGrad(problem_.activation, tensors_.y + first * out_size_,
                     slice.count * out_size_, dy, kernels_, *pools_.backward);
      products_.param_grads->Run(slice);
      if (products_.input_grad == nullptr) continue;
      slice.dx = tensors_.dx[0] + first * in_size_;
      products_.input_grad->Run(slice);
    }
  }

  void WeightsChanged() override {
    ForEachProduct([](Operation& op) { op.WeightsChanged(); });
  }

  bool BackwardReadsY() const override {
    return problem_.activation != Activation::kLinear;
  }
  bool RecreatesOperators() const override {
    bool recreates = false;
    ForEachProduct(
        [&](const Operation& op) { recreates |= op.RecreatesOperators(); });
    return recreates;
  }

 private:
  template <class Body>
  void ForEachProduct(const Body& body) const {
    body(*products_.forward);
    body(*products_.param_grads);
    if (products_.input_grad != nullptr) body(*products_.input_grad);
  }

  int64_t BackwardSlice(int64_t batch, int64_t threads) const {
    return SliceImages(std::max(in_size_, out_size_), batch, threads);
  }

  const ConvolutionProblem problem_;
  const DepthwiseProducts products_;
  const Kernels& kernels_;
  const int64_t in_size_;  // floats of one image
  const int64_t out_size_;
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
      .window = MakeWindow({.size = spec.kernel_size,
                            .strides = spec.strides,
                            .dilation = spec.dilation,
                            .padding = spec.padding},
                           input, output),
      .out_channels = input.dims[2] * spec.depth_multiplier,
      .depthwise = true,
      .use_bias = spec.use_bias,
      .activation = ComputedActivation(spec.activation)};
  ASSIGN_OR_RETURN(
      DepthwiseProducts products,
      CreateDepthwiseProducts(problem, builder.wants_dx(), builder.context()));
  builder.Append(std::make_unique<Depthwise>(problem, std::move(products),
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
