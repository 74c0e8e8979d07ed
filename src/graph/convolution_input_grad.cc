#include "graph/arithmetic.h"
#include "graph/convolution_operations.h"
#include "graph/packed_weights.h"
#include "graph/strided_gradient.h"

namespace batchsweep {
namespace {

// This body runs XNNPACK's convolution of dy with the turned kernel or, with
// strides, its deconvolution, on whole slices and with live weights.
class XnnpackInputGrad : public Operation {
 public:
  XnnpackInputGrad(const ConvolutionProblem& problem,
                   xnn::ConvolutionInputGradient op)
      : name_(problem.name), window_(problem.window), op_(std::move(op)) {}

  Status Plan(const PlanContext& context, int64_t) override {
    weights_.Plan(name_ + "/packed for dx", op_, context, context.backward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    // dx does not depend on the bias.
    weights_.Bind(arena, tensors.params[0], nullptr, op_);
  }

  Status SetBatch(int64_t, int64_t slice, ThreadPool& pool) override {
    pool_ = &pool;
    return Shape(slice);
  }

  void Run(const ExampleSlice& slice) override {
    if (slice.first == 0) weights_.BeforeRun(op_);
    // As forward, only a batch's last slice is smaller.
    if (slice.count != shaped_for_) CHECK(Shape(slice.count).has_value());
    CHECK(op_.Bind(slice.dy, slice.dx).has_value());
    op_.Run(*pool_);
  }

  void WeightsChanged() override { weights_.WeightsChanged(op_); }
  bool RecreatesOperators() const override { return !op_.live(); }

 private:
  Status Shape(int64_t examples) {
    RETURN_IF_ERROR(op_.Reshape(examples, window_.height, window_.width,
                                window_.out_height, window_.out_width, *pool_));
    shaped_for_ = examples;
    return {};
  }

  const std::string name_;
  const WindowGeometry window_;
  xnn::ConvolutionInputGradient op_;
  PackedWeights weights_;
  ThreadPool* pool_ = nullptr;
  int64_t shaped_for_ = 0;
};

// This body computes our products, pixel phase by pixel phase; without strides
// there is one phase. The kernel is put in their order once for each pass over
// the batch: the update changes it between any two passes, and its copy lies in
// memory that other layers use in between.
class PhasedInputGrad : public Operation {
 public:
  PhasedInputGrad(const ConvolutionProblem& problem,
                  const ComputeContext& context)
      : problem_(problem),
        kernels_(*context.kernels),
        grad_(problem.window, problem.out_channels) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    const auto scratch = [&](const char* name, int64_t floats) {
      return context.planner.Add(problem_.name + name, MemoryClass::kWorkspace,
                                 floats * kFloatBytes, context.backward,
                                 context.backward);
    };
    arranged_id_ = scratch("/arranged for dx", grad_.kernel_floats());
    // Threads share out the images, so each image of a slice has its own copy.
    padded_id_ = scratch("/padded for dx", examples * grad_.padded_floats());
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_ = tensors.params[0];
    arranged_ = arena.Floats(arranged_id_);
    padded_ = arena.Floats(padded_id_);
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    if (slice.first == 0) grad_.ArrangeKernel(kernel_, arranged_, *pool_);
    ForEachExample(*pool_, slice.count, [&](int64_t i) {
      grad_.Run(slice.dy + i * problem_.out_size(), arranged_,
                padded_ + i * grad_.padded_floats(),
                slice.dx + i * problem_.in_size(), kernels_);
    });
  }

  // Only the padded dy counts: one arranged kernel serves all images.
  int64_t scratch_floats() const override { return grad_.padded_floats(); }

 private:
  const ConvolutionProblem problem_;
  const Kernels& kernels_;
  const StridedInputGrad grad_;
  ThreadPool* pool_ = nullptr;
  int arranged_id_ = -1;  // of the planner
  int padded_id_ = -1;
  const float* kernel_ = nullptr;
  float* arranged_ = nullptr;
  float* padded_ = nullptr;
};

// Phases come of strides, which Keras has no dilation beside.
bool IsNotDilated(const ConvolutionProblem& problem) {
  return problem.window.dilation_height == 1 &&
         problem.window.dilation_width == 1;
}

constexpr Candidate<ConvolutionProblem> kCandidates[] = {
    {Library::kXnnpack, CreateXnnpackInputGrad},
    {Library::kOwn, CreateOperation<PhasedInputGrad, ConvolutionProblem>,
     IsNotDilated},
};

}  // namespace

bool XnnpackHasInputGrad(const ConvolutionProblem& problem) {
  return xnn::ConvolutionInputGradient::CanCompute(XnnpackOptions(problem));
}

Result<std::unique_ptr<Operation>> CreateXnnpackInputGrad(
    const ConvolutionProblem& problem, const ComputeContext&) {
  ASSIGN_OR_RETURN(
      auto op, xnn::ConvolutionInputGradient::Create(XnnpackOptions(problem)));
  return std::make_unique<XnnpackInputGrad>(problem, std::move(op));
}

ConvolutionCandidates ConvolutionInputGrads() { return kCandidates; }

}  // namespace batchsweep
