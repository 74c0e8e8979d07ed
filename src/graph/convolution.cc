#include <algorithm>
#include <optional>

#include "graph/arithmetic.h"
#include "graph/built_in_pooling.h"
#include "graph/convolution_operations.h"
#include "graph/image_bias_grad.h"
#include "graph/image_slices.h"
#include "graph/layer_builder.h"

namespace batchsweep {
namespace {

// The layer computes y = pool(activation(conv(x, W) + b)) slice by slice of the
// batch: the convolution, and then the pooling, if there is one. Backward, the
// pooling's or the activation's gradient makes the slice's dy, from which come
// db, dW and dx.
class Convolution : public Layer {
 public:
  Convolution(const ConvolutionProblem& problem,
              std::optional<BuiltInPooling> pooling, Products products,
              const ComputeContext& context)
      : problem_(problem),
        pooling_(pooling),
        products_(std::move(products)),
        kernels_(*context.kernels),
        in_size_(problem.in_size()),
        out_size_(problem.out_size()) {
    if (problem.use_bias) {
      bias_grad_.emplace(problem.window.out_height * problem.window.out_width,
                         problem.out_channels);
    }
  }

  Status Plan(const PlanContext& context) override {
    // Memory is planned for the largest slices there can be: how many threads
    // each direction gets is measured only once the layer can run.
    const int64_t batch = context.max_batch;
    const int64_t slice = BackwardSlice(batch, kMaxSliceThreads);
    if (pooling_) pooling_->Plan(problem_.name, context, slice);
    if (bias_grad_) bias_grad_->Plan(problem_.name, context, slice);
    return products_.Plan(context, ForwardSlice(batch, kMaxSliceThreads),
                          slice);
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    if (pooling_) pooling_->Bind(tensors, arena);
    if (bias_grad_) bias_grad_->Bind(arena, tensors.grads[1]);
    products_.Bind(tensors, arena);
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    // Slices grow with the threads, but sums over the batch do not depend on
    // them: dW and db add image by image, wherever a slice ends.
    forward_slice_ = ForwardSlice(batch, pools.forward->threads());
    backward_slice_ = BackwardSlice(batch, pools.backward->threads());
    return products_.SetBatch(batch, forward_slice_, backward_slice_, pools);
  }

  void Forward(const ForwardContext&) override {
    ThreadPool& pool = *pools_.forward;
    ForEachSlice(forward_slice_, [&](int64_t first, int64_t count) {
      // Only the pooled image is kept: what the convolution wrote is read at
      // once, and the next slice overwrites it.
      float* y =
          pooling_ ? pooling_->forward_slice() : tensors_.y + first * out_size_;
      products_.forward->Run({.first = first,
                              .count = count,
                              .x = tensors_.x[0] + first * in_size_,
                              .y = y});
      if (!pooling_) return;
      ForEachExample(pool, count, [&](int64_t i) {
        pooling_->Pool(first + i, y + i * out_size_, kernels_);
      });
    });
  }

  void Backward() override {
    ThreadPool& pool = *pools_.backward;
    if (bias_grad_) bias_grad_->Begin();
    ForEachSlice(backward_slice_, [&](int64_t first, int64_t count) {
      // Without a pooling the activation's gradient overwrites dy where it
      // lies, since nothing reads dy after this layer.
      float* dy = pooling_ ? pooling_->backward_slice()
                           : tensors_.dy + first * out_size_;
      ForEachExample(pool, count, [&](int64_t i) {
        float* image = dy + i * out_size_;
        MakeGradient(first + i, image);
        // The image is still in the cache of the thread that just wrote it.
        if (bias_grad_) bias_grad_->SumImage(i, image, kernels_);
      });
      if (bias_grad_) bias_grad_->AddSlice(count);
      products_.RunBackward({.first = first,
                             .count = count,
                             .x = tensors_.x[0] + first * in_size_,
                             .dy = dy,
                             .dx = Part(tensors_.dx[0], first * in_size_)});
    });
    if (bias_grad_) bias_grad_->Finish();
  }

  // Each image goes through by itself, and its share is written to where the
  // gradient of the batch will be.
  std::optional<double> ShareSquares(NoiseScope scope) override {
    if (scope != NoiseScope::kAll) return {};
    ThreadPool& pool = *pools_.backward;
    products_.SetGradientBatch(1, 1, pool);
    double sum = 0.0;
    for (int64_t i = 0; i < batch_; ++i) {
      float* dy =
          pooling_ ? pooling_->backward_slice() : tensors_.dy + i * out_size_;
      // Without a pooling this overwrites dy, and so will Backward(): the
      // activation's gradient is a mask, which may be applied twice.
      MakeGradient(i, dy);
      products_.weight_grads->Run(
          {.count = 1, .x = tensors_.x[0] + i * in_size_, .dy = dy});
      sum += kernels_.sum_of_squares(tensors_.grads[0],
                                     problem_.taps() * problem_.out_channels);
      if (problem_.use_bias) sum += BiasShareSquare(dy);
    }
    products_.SetGradientBatch(batch_, backward_slice_, pool);
    return sum;
  }

  void WeightsChanged() override { products_.WeightsChanged(); }

  // Relu and relu6 see in y which gradients they let through, and so does the
  // pooling behind a relu; a linear layer lets all through.
  bool BackwardReadsY() const override {
    return problem_.activation != Activation::kLinear;
  }
  MultiplyAdds Work() const override { return products_.multiply_adds; }
  bool RecreatesOperators() const override {
    return products_.RecreatesOperators();
  }

 private:
  // The floats that one image takes in the largest of the tensors that a slice
  // keeps in the cache.
  int64_t LargestFloats() const {
    return std::max({out_size_, products_.forward->scratch_floats(),
                     products_.backward_scratch_floats()});
  }

  // Where one operation leaves nothing in the cache for the next, the batch
  // goes through at once: each operation then wakes the threads only once.
  int64_t ForwardSlice(int64_t batch, int64_t threads) const {
    if (!pooling_ && products_.forward->scratch_floats() == 0) return batch;
    return SliceImages(LargestFloats(), batch, threads);
  }
  int64_t BackwardSlice(int64_t batch, int64_t threads) const {
    if (!pooling_ && !bias_grad_ && products_.backward_scratch_floats() == 0) {
      return batch;
    }
    return SliceImages(LargestFloats(), batch, threads);
  }

  // body(first, count)
  template <class Body>
  void ForEachSlice(int64_t slice, const Body& body) const {
    for (int64_t first = 0; first < batch_; first += slice) {
      body(first, std::min(slice, batch_ - first));
    }
  }

  // Writes the gradient of an image by the convolution's output before its
  // activation: into the slice or, without a pooling, over dy.
  void MakeGradient(int64_t example, float* dy) {
    if (pooling_) return pooling_->Gradient(example, dy, kernels_);
    ActivationGrad(problem_.activation, tensors_.y + example * out_size_,
                   out_size_, dy, kernels_, serial_);
  }

  double BiasShareSquare(const float* dy) const {
    kernels_.column_sums(dy, out_size_ / problem_.out_channels,
                         problem_.out_channels, tensors_.grads[1]);
    return kernels_.sum_of_squares(tensors_.grads[1], problem_.out_channels);
  }

  const ConvolutionProblem problem_;
  std::optional<BuiltInPooling> pooling_;
  const Products products_;
  const Kernels& kernels_;
  const int64_t in_size_;   // floats of one image
  const int64_t out_size_;  // before pooling
  std::optional<ImageBiasGrad> bias_grad_;
  ThreadPool serial_{1};  // for what is done within one image

  LayerTensors tensors_;
  LayerPools pools_;
  int64_t batch_ = 0;
  int64_t forward_slice_ = 0;  // images that go through together
  int64_t backward_slice_ = 0;
};

// Returns the max pooling that can be built in, or null. It must be the only
// layer that reads the convolution, whose output is never there as a whole. The
// activation's gradient must be known from what was pooled: a linear layer lets
// all gradients through, and a relu those of positive values. Relu6 would need
// a mask that the pooling's gradient does not have.
const Pooling2DSpec* PoolingBehind(const Conv2DSpec& spec,
                                   const LayerBuilder& builder) {
  const bool exchangeable = spec.activation == Activation::kLinear ||
                            spec.activation == Activation::kRelu;
  const LayerSpec* reader = builder.OnlyReader();
  if (!exchangeable || reader == nullptr) return nullptr;
  const auto* pooling = std::get_if<Pooling2DSpec>(reader);
  const bool max = pooling && pooling->kind == Pooling2DSpec::Kind::kMax;
  return max ? pooling : nullptr;
}

}  // namespace

Status BuildLayer(const Conv2DSpec& spec, LayerBuilder& builder) {
  const Shape& output = builder.output_shape();
  const ConvolutionProblem problem{
      .name = spec.name,
      .window = GeometryOf(spec.Window(), builder.input_shape(), output),
      .out_channels = spec.filters,
      .use_bias = spec.use_bias,
      .activation = ComputedActivation(spec.activation)};
  ASSIGN_OR_RETURN(Products products,
                   CreateConvolutionProducts(problem, builder.wants_dx(),
                                             builder.context()));
  std::optional<BuiltInPooling> pooling;
  Shape pooled = output;
  if (const Pooling2DSpec* behind = PoolingBehind(spec, builder)) {
    pooled = builder.BuildInReader();
    pooling.emplace(GeometryOf(behind->Window(), output, pooled),
                    spec.activation == Activation::kRelu
                        ? PoolGradMask::kPositive
                        : PoolGradMask::kAll);
  }
  builder.Append(std::make_unique<Convolution>(
                     problem, pooling, std::move(products), builder.context()),
                 pooled, spec.Params(builder.input_shape()));
  // An activation other than linear, relu and relu6 is a layer of its own, and
  // the convolution above is linear then.
  return BuildActivationBehind(spec.activation, builder);
}

}  // namespace batchsweep
