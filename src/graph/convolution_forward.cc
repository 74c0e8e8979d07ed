#include "graph/arithmetic.h"
#include "graph/convolution_operations.h"
#include "graph/packed_weights.h"
#include "graph/padded_image.h"

namespace batchsweep {
namespace {

// This body runs XNNPACK's convolution, with live weights, on whole slices.
// XNNPACK pads by itself and computes bias and activation too, so that nothing
// passes over x before it or over y after it.
class XnnpackForward : public Operation {
 public:
  XnnpackForward(const ConvolutionProblem& problem, xnn::Convolution op)
      : problem_(problem), op_(std::move(op)) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    weights_.Plan(problem_.name + "/packed", op_, context, context.forward);
    // Only a reshape tells the size of the workspace. It also refuses a layer
    // that is too large for XNNPACK, before the arena is taken.
    ASSIGN_OR_RETURN(const int64_t bytes,
                     op_.Reshape(examples, problem_.window.height,
                                 problem_.window.width, serial_));
    workspace_id_ = context.planner.Add(problem_.name + "/workspace",
                                        MemoryClass::kWorkspace, bytes,
                                        context.forward, context.forward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    weights_.Bind(arena, tensors.params[0],
                  problem_.use_bias ? tensors.params[1] : nullptr, op_);
    workspace_ = arena.At(workspace_id_);
  }

  Status SetBatch(int64_t, int64_t slice, ThreadPool& pool) override {
    pool_ = &pool;
    return Shape(slice);
  }

  void Run(const ExampleSlice& slice) override {
    if (slice.first == 0) weights_.BeforeRun(op_);
    // Only a batch's last slice is smaller, and a reshape takes again what it
    // once took, so that one operator serves both sizes.
    if (slice.count != shaped_for_) CHECK(Shape(slice.count).has_value());
    CHECK(op_.Bind(workspace_, slice.x, slice.y).has_value());
    op_.Run(*pool_);
  }

  void WeightsChanged() override { weights_.WeightsChanged(op_); }
  bool RecreatesOperators() const override { return !op_.live(); }

 private:
  Status Shape(int64_t examples) {
    RETURN_IF_ERROR(op_.Reshape(examples, problem_.window.height,
                                problem_.window.width, *pool_));
    shaped_for_ = examples;
    return {};
  }

  const ConvolutionProblem problem_;
  xnn::Convolution op_;
  PackedWeights weights_;
  ThreadPool serial_{1};  // until SetBatch(); the operator remembers its pool
  ThreadPool* pool_ = nullptr;
  int workspace_id_ = -1;  // of the planner
  std::byte* workspace_ = nullptr;
  int64_t shaped_for_ = 0;
};

// This body multiplies an image's windows, read where they lie, by the kernel.
// A matrix of windows is never written: it would hold each pixel once for every
// tap of the kernel that reads it.
class ProductForward : public Operation {
 public:
  ProductForward(const ConvolutionProblem& problem,
                 const ComputeContext& context)
      : problem_(problem),
        clamp_(ClampOf(problem.activation)),
        kernels_(*context.kernels),
        padded_(problem.window),
        tap_offsets_(padded_.TapOffsets()),
        pixel_offsets_(padded_.PixelOffsets()) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    // An image that needs no zeros around it is read where it lies.
    if (padded_.floats() == 0) return {};
    // Threads share out the images, so each image of a slice has its own copy.
    padded_id_ =
        context.planner.Add(problem_.name + "/padded", MemoryClass::kWorkspace,
                            examples * padded_.floats() * kFloatBytes,
                            context.forward, context.forward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_ = tensors.params[0];
    bias_ = problem_.use_bias ? tensors.params[1] : nullptr;
    if (padded_.floats() > 0) padded_images_ = arena.Floats(padded_id_);
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    ForEachExample(*pool_, slice.count, [&](int64_t i) {
      const float* x = slice.x + i * problem_.in_size();
      if (padded_.floats() > 0) {
        float* image = padded_images_ + i * padded_.floats();
        padded_.Fill(x, image);
        x = image;
      }
      RunImage(x, slice.y + i * problem_.out_size());
    });
  }

  int64_t scratch_floats() const override { return padded_.floats(); }

 private:
  // `x` has the zeros around it already.
  void RunImage(const float* x, float* y) const {
    const WindowGeometry& window = problem_.window;
    MatrixProduct product{
        .a = x,
        .a_stride = 1,
        .a_band_stride = window.dilation_height * padded_.line_floats(),
        .a_offsets = pixel_offsets_.data(),
        .b = kernel_,
        .b_stride = problem_.out_channels,
        .bands = window.window_height,
        .m = window.out_height * window.out_width,
        .n = problem_.out_channels,
        .c = y,
        .c_stride = problem_.out_channels,
        .bias = bias_,
        .low = clamp_.min,
        .high = clamp_.max};
    if (window.dilation_width == 1) {
      // A line of the kernel that is not dilated reads one run of floats in a
      // line of the image: it is one band, and one product has all bands.
      product.rows = window.window_width * window.channels;
      product.b_band_stride = product.rows * problem_.out_channels;
      kernels_.matrix_product(product);
    } else {
      RunByTaps(x, product);
    }
  }

  // With dilation only the channels of one tap lie together, so each tap is a
  // product of its own. The first one overwrites y and begins with the bias, so
  // that nothing need clear it, and the last one clamps.
  void RunByTaps(const float* x, MatrixProduct product) const {
    const int64_t channels = problem_.window.channels;
    product.bands = 1;
    product.rows = channels;
    product.low = -MatrixProduct::kUnlimited;
    product.high = MatrixProduct::kUnlimited;
    for (int64_t value = 0; value < problem_.taps(); value += channels) {
      product.a = x + tap_offsets_[static_cast<size_t>(value)];
      product.b = kernel_ + value * problem_.out_channels;
      product.accumulate = value > 0;
      if (value + channels == problem_.taps()) {
        product.low = clamp_.min;
        product.high = clamp_.max;
      }
      kernels_.matrix_product(product);
    }
  }

  const ConvolutionProblem problem_;
  const xnn::Clamp clamp_;
  const Kernels& kernels_;
  const PaddedImage padded_;
  const std::vector<int32_t> tap_offsets_;
  const std::vector<int32_t> pixel_offsets_;
  ThreadPool* pool_ = nullptr;
  int padded_id_ = -1;  // of the planner
  float* padded_images_ = nullptr;
  const float* kernel_ = nullptr;
  const float* bias_ = nullptr;
};

constexpr Candidate<ConvolutionProblem> kCandidates[] = {
    {Library::kXnnpack, CreateXnnpackForward},
    {Library::kOwn, CreateOperation<ProductForward, ConvolutionProblem>},
};

}  // namespace

Result<std::unique_ptr<Operation>> CreateXnnpackForward(
    const ConvolutionProblem& problem, const ComputeContext&) {
  ASSIGN_OR_RETURN(auto op, xnn::Convolution::Create(XnnpackOptions(problem)));
  return std::make_unique<XnnpackForward>(problem, std::move(op));
}

ConvolutionCandidates ConvolutionForwards() { return kCandidates; }

}  // namespace batchsweep
