#include "graph/depthwise_operations.h"

#include <algorithm>

#include "graph/arithmetic.h"

namespace batchsweep {
namespace {

int64_t Multiplier(const ConvolutionProblem& problem) {
  return problem.out_channels / problem.window.channels;
}

// Kernels of ours, an image a thread. Each image has sums of its own in float,
// which are added up in double after the last slice, one image after the other,
// so that threads make no difference.
class OwnWeightGrads : public Operation {
 public:
  OwnWeightGrads(const ConvolutionProblem& problem,
                 const ComputeContext& context)
      : problem_(problem),
        kernels_(*context.kernels),
        kernel_size_(problem.window.window_height *
                     problem.window.window_width * problem.out_channels),
        sums_(kernel_size_ + problem.out_channels) {}

  Status Plan(const PlanContext& context, int64_t) override {
    partial_id_ = context.planner.Add(problem_.name + "/partial gradients",
                                      MemoryClass::kWorkspace,
                                      context.max_batch * sums_ * kFloatBytes,
                                      context.backward, context.backward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_grad_ = tensors.grads[0];
    bias_grad_ = problem_.use_bias ? tensors.grads[1] : nullptr;
    partial_ = arena.Floats(partial_id_);
  }

  Status SetBatch(int64_t batch, int64_t, ThreadPool& pool) override {
    batch_ = batch;
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    ForEachExample(*pool_, slice.count, [&](int64_t i) {
      SumImage(slice.x + i * problem_.in_size(),
               slice.dy + i * problem_.out_size(),
               partial_ + (slice.first + i) * sums_);
    });
    if (slice.first + slice.count == batch_) AddImages();
  }

 private:
  void SumImage(const float* x, const float* dy, float* sums) const {
    const WindowGeometry& window = problem_.window;
    std::fill_n(sums, kernel_size_, 0.0f);
    kernels_.depthwise_kernel_grad(window, Multiplier(problem_), x, dy, sums);
    if (bias_grad_ == nullptr) return;
    kernels_.column_sums(dy, window.out_height * window.out_width,
                         problem_.out_channels, sums + kernel_size_);
  }

  float SumOverImages(int64_t place) const {
    double sum = 0.0;
    for (int64_t i = 0; i < batch_; ++i) {
      sum += static_cast<double>(partial_[i * sums_ + place]);
    }
    return static_cast<float>(sum);
  }

  void AddImages() {
    for (int64_t j = 0; j < kernel_size_; ++j) {
      kernel_grad_[j] = SumOverImages(j);
    }
    if (bias_grad_ == nullptr) return;
    for (int64_t j = kernel_size_; j < sums_; ++j) {
      bias_grad_[j - kernel_size_] = SumOverImages(j);
    }
  }

  const ConvolutionProblem problem_;
  const Kernels& kernels_;
  const int64_t kernel_size_;
  const int64_t sums_;  // floats of an image's gradients, the bias' last
  ThreadPool* pool_ = nullptr;
  int partial_id_ = -1;  // of the planner
  float* partial_ = nullptr;
  float* kernel_grad_ = nullptr;
  float* bias_grad_ = nullptr;  // null without bias
  int64_t batch_ = 0;
};

// A kernel of ours, an image a thread.
class OwnInputGrad : public Operation {
 public:
  OwnInputGrad(const ConvolutionProblem& problem, const ComputeContext& context)
      : problem_(problem), kernels_(*context.kernels) {}

  Status Plan(const PlanContext&, int64_t) override { return {}; }

  void Bind(const LayerTensors& tensors, const Arena&) override {
    kernel_ = tensors.params[0];
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    ForEachExample(*pool_, slice.count, [&](int64_t i) {
      kernels_.depthwise_input_grad(problem_.window, Multiplier(problem_),
                                    slice.dy + i * problem_.out_size(), kernel_,
                                    slice.dx + i * problem_.in_size());
    });
  }

 private:
  const ConvolutionProblem problem_;
  const Kernels& kernels_;
  ThreadPool* pool_ = nullptr;
  const float* kernel_ = nullptr;
};

constexpr Candidate<ConvolutionProblem> kForwards[] = {
    {Library::kXnnpack, CreateXnnpackForward},
};
constexpr Candidate<ConvolutionProblem> kWeightGrads[] = {
    {Library::kOwn, CreateOperation<OwnWeightGrads, ConvolutionProblem>},
};
constexpr Candidate<ConvolutionProblem> kInputGrads[] = {
    {Library::kOwn, CreateOperation<OwnInputGrad, ConvolutionProblem>},
};

}  // namespace

ConvolutionCandidates DepthwiseForwards() { return kForwards; }
ConvolutionCandidates DepthwiseWeightGrads() { return kWeightGrads; }
ConvolutionCandidates DepthwiseInputGrads() { return kInputGrads; }

// Each product has one body so far: XNNPACK has no operator for the gradients.
Result<Products> CreateDepthwiseProducts(const ConvolutionProblem& problem,
                                         bool wants_dx,
                                         const ComputeContext& context) {
  return CreateProducts<ConvolutionProblem>(
      {.forward = DepthwiseForwards(),
       .weight_grads = DepthwiseWeightGrads(),
       .input_grad = DepthwiseInputGrads()},
      {.forward = Library::kXnnpack,
       .weight_grads = Library::kOwn,
       .input_grad = Library::kOwn},
      problem, wants_dx, context);
}

}  // namespace batchsweep
