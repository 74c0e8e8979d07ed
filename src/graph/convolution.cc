#include <algorithm>
#include <optional>
#include <string>

#include "graph/arithmetic.h"
#include "graph/layer_builder.h"
#include "graph/packed_weights.h"
#include "graph/strided_gradient.h"
#include "xnn/weighted_operator.h"

namespace batchsweep {
namespace {

// Examples go through convolution and pooling in slices whose outputs stay in
// the second-level cache of every board, and whose memory is small. More would
// be written to memory and read back: at a batch of 128, the 26x26x32 outputs
// of the notebook's network are 11 MB.
constexpr int64_t kSliceBytes = 256 * 1024;

// XNNPACK's convolution begins its inner loop anew for each tap of the kernel;
// with fewer channels than this there is hardly a loop left, and the product of
// our own is twice as fast (28x28x1 to 32: 9.6 to 17 us for 3 images).
constexpr int64_t kFewChannels = 4;

constexpr int64_t kChannelsOfATap = 12;
constexpr int64_t kProductRows = 6;  // that its tiles are made of

// What a layer is built for; the max pooling behind it may be built in.
struct ConvolutionPlan {
  Conv2DSpec convolution;
  Shape input;   // (H, W, C)
  Shape output;  // before pooling
  const Pooling2DSpec* pooling = nullptr;
  Shape pooled;
  bool wants_dx = false;
};

// y = pool(activation(conv(x, W) + b)), by slices of the batch:
// forward: XNNPACK's convolution with live weights, or our product; then the
//   pooling, if it is built in, which alone is kept;
// backward: the pooling's gradient into a slice; db = sums of it; dW = for each
//   image, its taps times the slice; dx = XNNPACK's convolution of the slice
//   with the turned kernel, or, where there are strides, products of ours.
class Convolution : public Layer {
 public:
  Convolution(const ConvolutionPlan& plan, const WindowGeometry& window,
              std::optional<xnn::Convolution> forward,
              std::optional<xnn::ConvolutionInputGradient> input_grad,
              std::optional<StridedInputGrad> strided_grad,
              const ComputeContext& context)
      : name_(plan.convolution.name),
        window_(window),
        filters_(plan.convolution.filters),
        activation_(ComputesActivation(plan.convolution.activation)
                        ? plan.convolution.activation
                        : Activation::kLinear),
        use_bias_(plan.convolution.use_bias),
        kernels_(*context.kernels),
        forward_(std::move(forward)),
        input_grad_(std::move(input_grad)),
        strided_grad_(std::move(strided_grad)),
        in_size_(plan.input.elements()),
        out_size_(plan.output.elements()),
        taps_(window.window_height * window.window_width * window.channels) {
    if (plan.pooling != nullptr) {
      pool_window_ = MakeWindow({.size = plan.pooling->pool_size,
                                 .strides = plan.pooling->strides,
                                 .dilation = {},
                                 .padding = plan.pooling->padding},
                                plan.output, plan.pooled);
      pooled_size_ = plan.pooled.elements();
    }
    padded_height_ = window.top + window.height + BottomPadding(window);
    padded_width_ = window.left + window.width + RightPadding(window);
    pads_ = padded_height_ != window.height || padded_width_ != window.width;
    FillOffsets();
  }

  Status Plan(const PlanContext& context) override {
    MemoryPlanner& planner = context.planner;
    const int64_t slice = SliceExamples(context.max_batch, kMaxSliceThreads);
    const auto both = [&](const char* name, MemoryClass memory_class,
                          int64_t bytes) {
      return planner.Add(name_ + name, memory_class, bytes, context.forward,
                         context.backward);
    };
    const auto scratch = [&](const char* name, int64_t floats, int moment) {
      return planner.Add(name_ + name, MemoryClass::kWorkspace,
                         floats * kFloatBytes, moment, moment);
    };
    if (pool_window_) {
      winner_id_ = both("/winners", MemoryClass::kActivations,
                        context.max_batch * pooled_size_ *
                            static_cast<int64_t>(sizeof(uint16_t)));
      forward_slice_id_ = scratch("/slice", slice * out_size_, context.forward);
      backward_slice_id_ =
          scratch("/slice of gradients", slice * out_size_, context.backward);
    }
    if (pads_) {
      const int64_t floats = slice * PaddedSize();
      if (!forward_) {
        forward_padded_id_ = scratch("/padded", floats, context.forward);
      }
      backward_padded_id_ = scratch("/padded for dW", floats, context.backward);
    }
    if (use_bias_) {
      partial_id_ =
          scratch("/partial sums", slice * filters_, context.backward);
    }
    if (forward_) {
      forward_weights_.Plan(name_ + "/packed", *forward_, context,
                            context.forward);
      ASSIGN_OR_RETURN(
          const int64_t bytes,
          forward_->Reshape(slice, window_.height, window_.width, serial_));
      forward_workspace_id_ =
          planner.Add(name_ + "/workspace", MemoryClass::kWorkspace, bytes,
                      context.forward, context.forward);
    }
    if (input_grad_) {
      input_grad_weights_.Plan(name_ + "/packed for dx", *input_grad_, context,
                               context.backward);
    }
    if (strided_grad_) {
      arranged_id_ = scratch("/arranged for dx", strided_grad_->kernel_floats(),
                             context.backward);
      dy_padded_id_ =
          scratch("/padded for dx", slice * strided_grad_->padded_floats(),
                  context.backward);
    }
    return {};
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    if (pool_window_) {
      winner_ = reinterpret_cast<uint16_t*>(arena.At(winner_id_));
      forward_slice_ = arena.Floats(forward_slice_id_);
      backward_slice_ = arena.Floats(backward_slice_id_);
    }
    if (pads_) {
      if (!forward_) forward_padded_ = arena.Floats(forward_padded_id_);
      backward_padded_ = arena.Floats(backward_padded_id_);
    }
    if (use_bias_) {
      partial_ = arena.Floats(partial_id_);
      bias_sums_.resize(static_cast<size_t>(filters_));
    }
    if (forward_) {
      forward_weights_.Bind(arena, tensors.params[0],
                            use_bias_ ? tensors.params[1] : nullptr, *forward_);
      forward_workspace_ = arena.At(forward_workspace_id_);
    }
    if (strided_grad_) {
      arranged_ = arena.Floats(arranged_id_);
      dy_padded_ = arena.Floats(dy_padded_id_);
    }
    if (input_grad_) {
      input_grad_weights_.Bind(arena, tensors.params[0], nullptr, *input_grad_);
    }
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    // Once, so that the first step finds its operators shaped.
    return Reshape(std::min(batch, ForwardSlice()),
                   std::min(batch, BackwardSlice()));
  }

  void Forward(const ForwardContext&) override {
    if (forward_) forward_weights_.BeforeRun(*forward_);
    const int64_t slice = ForwardSlice();
    for (int64_t first = 0; first < batch_; first += slice) {
      const int64_t count = std::min(slice, batch_ - first);
      float* y = pool_window_ ? forward_slice_ : tensors_.y + first * out_size_;
      const float* x = tensors_.x[0] + first * in_size_;
      if (forward_) {
        RunForward(count, x, y);
        if (pool_window_) {
          ForEachImage(*pools_.forward, count,
                       [&](int64_t i) { Pool(first + i, y + i * out_size_); });
        }
      } else {
        ForEachImage(*pools_.forward, count, [&](int64_t i) {
          ForwardImage(x + i * in_size_,
                       pads_ ? forward_padded_ + i * PaddedSize() : nullptr,
                       y + i * out_size_);
          if (pool_window_) Pool(first + i, y + i * out_size_);
        });
      }
    }
  }

  void Backward() override {
    if (input_grad_) input_grad_weights_.BeforeRun(*input_grad_);
    if (strided_grad_) {
      strided_grad_->ArrangeKernel(tensors_.params[0], arranged_,
                                   *pools_.backward);
    }
    std::ranges::fill(bias_sums_, 0.0);
    const int64_t slice = BackwardSlice();
    for (int64_t first = 0; first < batch_; first += slice) {
      const int64_t count = std::min(slice, batch_ - first);
      float* dy =
          pool_window_ ? backward_slice_ : tensors_.dy + first * out_size_;
      ForEachImage(*pools_.backward, count, [&](int64_t i) {
        PrepareImage(first + i, dy + i * out_size_, i);
      });
      for (int64_t i = 0; use_bias_ && i < count; ++i) {
        for (int64_t o = 0; o < filters_; ++o) {
          bias_sums_[static_cast<size_t>(o)] +=
              static_cast<double>(partial_[i * filters_ + o]);
        }
      }
      AddKernelGrad(first, count, dy);
      if (input_grad_) {
        RunInputGrad(count, dy, tensors_.dx[0] + first * in_size_);
      }
      if (strided_grad_) {
        ForEachImage(*pools_.backward, count, [&](int64_t i) {
          strided_grad_->Run(dy + i * out_size_, arranged_,
                             dy_padded_ + i * strided_grad_->padded_floats(),
                             tensors_.dx[0] + (first + i) * in_size_, kernels_);
        });
      }
    }
    for (size_t o = 0; o < bias_sums_.size(); ++o) {
      tensors_.grads[1][o] = static_cast<float>(bias_sums_[o]);
    }
  }

  void WeightsChanged() override {
    if (forward_) forward_weights_.WeightsChanged(*forward_);
    if (input_grad_) input_grad_weights_.WeightsChanged(*input_grad_);
  }

  bool BackwardReadsY() const override {
    return activation_ != Activation::kLinear;
  }
  bool RecreatesOperators() const override {
    return (forward_ && !forward_->live()) ||
           (input_grad_ && !input_grad_->live());
  }

 private:
  // Slices grow with the threads, up to the memory planned for.
  static constexpr int64_t kMaxSliceThreads = 4;

  int64_t PaddedSize() const {
    return padded_height_ * padded_width_ * window_.channels;
  }

  int64_t SliceExamples(int64_t batch, int64_t threads) const {
    const int64_t floats =
        std::max({out_size_, pads_ ? PaddedSize() : 0,
                  strided_grad_ ? strided_grad_->padded_floats() : 0});
    const int64_t examples =
        std::max<int64_t>(1, kSliceBytes / (floats * kFloatBytes));
    return std::min(batch, examples * std::min(threads, kMaxSliceThreads));
  }

  // All at once where nothing is kept in a slice.
  int64_t ForwardSlice() const {
    if (!pool_window_ && (forward_ || !pads_)) return batch_;
    return SliceExamples(batch_, pools_.forward->threads());
  }
  int64_t BackwardSlice() const {
    if (!pool_window_ && !pads_ && !use_bias_ && !strided_grad_) return batch_;
    return SliceExamples(batch_, pools_.backward->threads());
  }

  Status Reshape(int64_t forward, int64_t backward) {
    if (forward_) {
      RETURN_IF_ERROR(forward_->Reshape(forward, window_.height, window_.width,
                                        *pools_.forward));
      forward_count_ = forward;
    }
    if (input_grad_) {
      RETURN_IF_ERROR(input_grad_->Reshape(
          backward, window_.height, window_.width, window_.out_height,
          window_.out_width, *pools_.backward));
      backward_count_ = backward;
    }
    return {};
  }

  // The last slice may be smaller. What reshape once took it takes again.
  void RunForward(int64_t count, const float* x, float* y) {
    if (count != forward_count_) {
      CHECK(forward_
                ->Reshape(count, window_.height, window_.width, *pools_.forward)
                .has_value());
      forward_count_ = count;
    }
    CHECK(forward_->Bind(forward_workspace_, x, y).has_value());
    forward_->Run(*pools_.forward);
  }

  void RunInputGrad(int64_t count, const float* dy, float* dx) {
    if (count != backward_count_) {
      CHECK(input_grad_
                ->Reshape(count, window_.height, window_.width,
                          window_.out_height, window_.out_width,
                          *pools_.backward)
                .has_value());
      backward_count_ = count;
    }
    CHECK(input_grad_->Bind(dy, dx).has_value());
    input_grad_->Run(*pools_.backward);
  }

  template <class Body>
  static void ForEachImage(ThreadPool& pool, int64_t count, const Body& body) {
    pool.ParallelFor(count, TileOf(count, 1, pool),
                     [&](int64_t begin, int64_t images) {
                       for (int64_t i = begin; i < begin + images; ++i) body(i);
                     });
  }

  // Offsets into an image as our products read it: padded where it pads.
  void FillOffsets() {
    const int64_t row = padded_width_ * window_.channels;
    for (int64_t ky = 0; ky < window_.window_height; ++ky) {
      for (int64_t kx = 0; kx < window_.window_width; ++kx) {
        for (int64_t c = 0; c < window_.channels; ++c) {
          tap_offsets_.push_back(static_cast<int32_t>(
              ky * window_.dilation_height * row +
              kx * window_.dilation_width * window_.channels + c));
        }
      }
    }
    if (forward_) return;
    for (int64_t oy = 0; oy < window_.out_height; ++oy) {
      for (int64_t ox = 0; ox < window_.out_width; ++ox) {
        pixel_offsets_.push_back(
            static_cast<int32_t>(oy * window_.stride_height * row +
                                 ox * window_.stride_width * window_.channels));
      }
    }
  }

  // A copy with zeros around it.
  void PadImage(const float* x, float* padded) const {
    const int64_t row = window_.width * window_.channels;
    const int64_t padded_row = padded_width_ * window_.channels;
    std::fill_n(padded, PaddedSize(), 0.0f);
    for (int64_t y = 0; y < window_.height; ++y) {
      std::copy_n(x + y * row, row,
                  padded + (window_.top + y) * padded_row +
                      window_.left * window_.channels);
    }
  }

  // One image by our product: its pixels times the kernel.
  void ForwardImage(const float* x, float* padded, float* y) const {
    if (padded != nullptr) {
      PadImage(x, padded);
      x = padded;
    }
    const int64_t row = padded_width_ * window_.channels;
    const bool dilated = window_.dilation_width != 1;
    // Without dilation a line of the kernel lies in a line of the image.
    const int64_t line = window_.window_width * window_.channels;
    MatrixProduct product{.a = x,
                          .a_stride = 1,
                          .a_band_stride = window_.dilation_height * row,
                          .a_offsets = pixel_offsets_.data(),
                          .b = tensors_.params[0],
                          .b_stride = filters_,
                          .b_band_stride = line * filters_,
                          .bands = window_.window_height,
                          .rows = line,
                          .m = window_.out_height * window_.out_width,
                          .n = filters_,
                          .c = y,
                          .c_stride = filters_};
    if (!dilated) {
      kernels_.matrix_product(product);
    } else {
      // A product for each tap.
      product.bands = 1;
      product.rows = window_.channels;
      for (int64_t tap = 0; tap < taps_ / window_.channels; ++tap) {
        product.a =
            x + tap_offsets_[static_cast<size_t>(tap * window_.channels)];
        product.b = tensors_.params[0] + tap * window_.channels * filters_;
        product.accumulate = tap > 0;
        kernels_.matrix_product(product);
      }
    }
    AddBiasAndActivate(use_bias_ ? tensors_.params[1] : nullptr, activation_,
                       product.m, filters_, y, kernels_, serial_);
  }

  void Pool(int64_t example, const float* y) const {
    kernels_.max_pool(*pool_window_, y, tensors_.y + example * pooled_size_,
                      winner_ + example * pooled_size_);
  }

  // Makes the gradient of one image's convolution, and what is needed with it.
  void PrepareImage(int64_t example, float* dy, int64_t place) {
    if (pool_window_) {
      const int64_t at = example * pooled_size_;
      // Of values behind a relu the largest is positive if any is, so its mask
      // is the pooled one's.
      kernels_.max_pool_grad(
          *pool_window_, tensors_.y + at, tensors_.dy + at, winner_ + at,
          activation_ == Activation::kRelu ? PoolGradMask::kPositive
                                           : PoolGradMask::kAll,
          dy);
    } else {
      ActivationGrad(activation_, tensors_.y + example * out_size_, out_size_,
                     dy, kernels_, serial_);
    }
    if (use_bias_) {
      kernels_.column_sums(dy, window_.out_height * window_.out_width, filters_,
                           partial_ + place * filters_);
    }
    if (pads_) {
      PadImage(tensors_.x[0] + example * in_size_,
               backward_padded_ + place * PaddedSize());
    }
  }

  // dW += the slice's images, one after the other whatever the threads.
  void AddKernelGrad(int64_t first, int64_t count, const float* dy) {
    const int64_t image = pads_ ? PaddedSize() : in_size_;
    const float* x =
        pads_ ? backward_padded_ : tensors_.x[0] + first * in_size_;
    MatrixProduct product{.a_stride = window_.stride_width * window_.channels,
                          .a_band_stride = window_.stride_height *
                                           padded_width_ * window_.channels,
                          .a_offsets = tap_offsets_.data(),
                          .b_stride = filters_,
                          .b_band_stride = window_.out_width * filters_,
                          .bands = window_.out_height,
                          .rows = window_.out_width,
                          .m = taps_,
                          .n = filters_,
                          .c = tensors_.grads[0],
                          .c_stride = filters_};
    // The channels of one tap lie together, which is read faster than offsets.
    // By taps, then, unless there are hardly any channels.
    const bool by_tap = window_.channels >= kChannelsOfATap;
    const int64_t unit = by_tap ? window_.channels : kProductRows;
    pools_.backward->ParallelFor(
        taps_, TileOf(taps_, unit, *pools_.backward),
        [&](int64_t begin, int64_t taps) {
          for (int64_t i = 0; i < count; ++i) {
            MatrixProduct part = product;
            part.b = dy + i * out_size_;
            part.accumulate = first + i > 0;
            for (int64_t tap = begin; tap < begin + taps;) {
              part.c = tensors_.grads[0] + tap * filters_;
              if (by_tap) {
                part.a = x + i * image + tap_offsets_[static_cast<size_t>(tap)];
                part.a_offsets = nullptr;
                part.m = window_.channels;
              } else {
                part.a = x + i * image;
                part.a_offsets = tap_offsets_.data() + tap;
                part.m = taps;
              }
              kernels_.matrix_product(part);
              tap += part.m;
            }
          }
        });
  }

  const std::string name_;
  const WindowGeometry window_;
  const int64_t filters_;
  const Activation activation_;
  const bool use_bias_;
  const Kernels& kernels_;
  std::optional<xnn::Convolution> forward_;  // absent: our product
  // At most one of these; neither if dx is not wanted.
  std::optional<xnn::ConvolutionInputGradient> input_grad_;
  std::optional<StridedInputGrad> strided_grad_;
  PackedWeights forward_weights_;
  PackedWeights input_grad_weights_;
  mutable ThreadPool serial_{1};

  const int64_t in_size_;   // floats of one image
  const int64_t out_size_;  // before pooling
  const int64_t taps_;
  std::optional<WindowGeometry> pool_window_;
  int64_t pooled_size_ = 0;
  int64_t padded_height_ = 0;
  int64_t padded_width_ = 0;
  bool pads_ = false;
  std::vector<int32_t> tap_offsets_;
  std::vector<int32_t> pixel_offsets_;

  // Ids of the planner.
  int winner_id_ = -1;
  int forward_slice_id_ = -1;
  int backward_slice_id_ = -1;
  int forward_padded_id_ = -1;
  int backward_padded_id_ = -1;
  int partial_id_ = -1;
  int forward_workspace_id_ = -1;
  int arranged_id_ = -1;
  int dy_padded_id_ = -1;

  LayerTensors tensors_;
  LayerPools pools_;
  uint16_t* winner_ = nullptr;
  float* forward_slice_ = nullptr;
  float* backward_slice_ = nullptr;
  float* forward_padded_ = nullptr;
  float* backward_padded_ = nullptr;
  float* partial_ = nullptr;  // of the bias' gradient, for each image
  std::byte* forward_workspace_ = nullptr;
  float* arranged_ = nullptr;
  float* dy_padded_ = nullptr;
  std::vector<double> bias_sums_;
  int64_t batch_ = 0;
  int64_t forward_count_ = 0;  // that the operators are shaped for
  int64_t backward_count_ = 0;
};

// The max pooling that alone reads the convolution, if it can be built in: it
// can be exchanged with an activation that keeps the order of values.
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

Result<std::unique_ptr<Layer>> MakeConvolution(const ConvolutionPlan& plan,
                                               const ComputeContext& context) {
  const Conv2DSpec& spec = plan.convolution;
  const WindowGeometry window = MakeWindow({.size = spec.kernel_size,
                                            .strides = spec.strides,
                                            .dilation = spec.dilation,
                                            .padding = spec.padding},
                                           plan.input, plan.output);
  const xnn::ConvolutionOptions options = ConvolutionOptionsOf(
      window, spec.filters, spec.use_bias, spec.activation);
  std::optional<xnn::Convolution> forward;
  if (window.channels >= kFewChannels) {
    ASSIGN_OR_RETURN(forward, xnn::Convolution::Create(options));
  }
  std::optional<xnn::ConvolutionInputGradient> input_grad;
  std::optional<StridedInputGrad> strided_grad;
  if (plan.wants_dx && (window.stride_height > 1 || window.stride_width > 1)) {
    strided_grad.emplace(window, spec.filters);
  } else if (plan.wants_dx) {
    ASSIGN_OR_RETURN(input_grad,
                     xnn::ConvolutionInputGradient::Create(options));
  }
  return std::make_unique<Convolution>(plan, window, std::move(forward),
                                       std::move(input_grad),
                                       std::move(strided_grad), context);
}

}  // namespace

Status BuildLayer(const Conv2DSpec& spec, LayerBuilder& builder) {
  const Pooling2DSpec* pooling = PoolingBehind(spec, builder);
  const Shape& output = builder.output_shape();
  const Shape& pooled = pooling != nullptr ? builder.BuildInReader() : output;
  ASSIGN_OR_RETURN(auto layer, MakeConvolution({.convolution = spec,
                                                .input = builder.input_shape(),
                                                .output = output,
                                                .pooling = pooling,
                                                .pooled = pooled,
                                                .wants_dx = builder.wants_dx()},
                                               builder.context()));
  builder.Append(std::move(layer), pooled, spec.use_bias ? 2 : 1);
  return BuildActivationBehind(spec.activation, builder);
}

}  // namespace batchsweep
