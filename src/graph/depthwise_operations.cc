#include "graph/depthwise_operations.h"

#include <algorithm>
#include <format>
#include <string>
#include <string_view>

#include "graph/arithmetic.h"
#include "graph/depthwise_taps.h"

namespace batchsweep {
namespace {

int64_t Multiplier(const ConvolutionProblem& problem) {
  return problem.out_channels / problem.window.channels;
}

// So many copies of images lie in memory at a time, one for each thread that
// works. More threads than this share the work no further: the plan of memory
// has to be the same for any number of threads.
constexpr int64_t kCopies = 8;

// Memory for the copies of `Taps`, and the way through a slice with them.
template <class Taps>
class Copies {
 public:
  explicit Copies(const Taps& taps) : taps_(taps) {}

  // `moment`: when they are used.
  void Plan(const std::string& name, const PlanContext& context,
            int64_t examples, int moment) {
    id_ = context.planner.Add(
        name, MemoryClass::kWorkspace,
        std::min(examples, kCopies) * taps_.floats() * kFloatBytes, moment,
        moment);
  }
  void Bind(const Arena& arena) { floats_ = arena.Floats(id_); }

  // body(i, its thread's copy) for each of `count` examples. The copies' zeros
  // are written once for all the examples of a thread.
  template <class Body>
  void ForEach(ThreadPool& pool, int64_t count, const Body& body) const {
    const int64_t tile =
        std::max(TileOf(count, 1, pool), (count + kCopies - 1) / kCopies);
    pool.ParallelFor(count, tile, [&](int64_t begin, int64_t examples) {
      float* copy = floats_ + begin / tile * taps_.floats();
      taps_.Clear(copy);
      for (int64_t i = begin; i < begin + examples; ++i) body(i, copy);
    });
  }

 private:
  const Taps& taps_;
  int id_ = -1;  // of the planner
  float* floats_ = nullptr;
};

// A kernel of ours, an image a thread.
class OwnForward : public Operation {
 public:
  OwnForward(const ConvolutionProblem& problem, const ComputeContext& context)
      : problem_(problem),
        kernels_(*context.kernels),
        taps_(problem.window, Multiplier(problem),
              // Its depthwise kernels know no multiplier: there XNNPACK takes
              // those of convolutions.
              Multiplier(problem) == 1 ? TapOrder::kColumns : TapOrder::kRows) {
    const xnn::Clamp clamp = ClampOf(problem.activation);
    clamp_.low = clamp.min;
    clamp_.high = clamp.max;
  }

  Status Plan(const PlanContext& context, int64_t examples) override {
    copies_.Plan(problem_.name + "/padded", context, examples, context.forward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_ = tensors.params[0];
    bias_ = problem_.use_bias ? tensors.params[1] : nullptr;
    copies_.Bind(arena);
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    copies_.ForEach(*pool_, slice.count, [&](int64_t i, float* copy) {
      const float* x = taps_.Place(slice.x + i * problem_.in_size(), copy);
      kernels_.depthwise(taps_.PassOver(x), kernel_, bias_, clamp_,
                         slice.y + i * problem_.out_size());
    });
  }

 private:
  const ConvolutionProblem problem_;
  const Kernels& kernels_;
  const WindowTaps taps_;
  DepthwiseClamp clamp_;
  Copies<WindowTaps> copies_{taps_};
  ThreadPool* pool_ = nullptr;
  const float* kernel_ = nullptr;
  const float* bias_ = nullptr;  // null without bias
};

// Kernels of ours, an image a thread. Each image of a slice has sums of its own
// in float, which are added up in double after the slice, one image after the
// other, so that neither threads nor slices make a difference.
class OwnWeightGrads : public Operation {
 public:
  OwnWeightGrads(const ConvolutionProblem& problem,
                 const ComputeContext& context)
      : problem_(problem),
        kernels_(*context.kernels),
        taps_(problem.window, Multiplier(problem), TapOrder::kRows),
        kernel_size_(problem.window.window_height *
                     problem.window.window_width * problem.out_channels),
        sums_(kernel_size_ + (problem.use_bias ? problem.out_channels : 0)) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    const auto add = [&](std::string_view what, int64_t bytes) {
      return context.planner.Add(std::format("{}/{}", problem_.name, what),
                                 MemoryClass::kWorkspace, bytes,
                                 context.backward, context.backward);
    };
    partial_id_ = add("partial gradients", examples * sums_ * kFloatBytes);
    total_id_ =
        add("sums of gradients", sums_ * static_cast<int64_t>(sizeof(double)));
    copies_.Plan(problem_.name + "/padded x", context, examples,
                 context.backward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_grad_ = tensors.grads[0];
    bias_grad_ = problem_.use_bias ? tensors.grads[1] : nullptr;
    partial_ = arena.Floats(partial_id_);
    total_ = reinterpret_cast<double*>(arena.At(total_id_));
    copies_.Bind(arena);
  }

  Status SetBatch(int64_t batch, int64_t, ThreadPool& pool) override {
    batch_ = batch;
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    copies_.ForEach(*pool_, slice.count, [&](int64_t i, float* copy) {
      SumImage(taps_.Place(slice.x + i * problem_.in_size(), copy),
               slice.dy + i * problem_.out_size(), partial_ + i * sums_);
    });
    AddImages(slice);
    if (slice.first + slice.count == batch_) WriteGradients();
  }

 private:
  // `x` is where the taps read it.
  void SumImage(const float* x, const float* dy, float* sums) const {
    const WindowGeometry& window = problem_.window;
    std::fill_n(sums, kernel_size_, 0.0f);
    kernels_.depthwise_kernel_grad(taps_.PassOver(x), dy, sums);
    if (bias_grad_ == nullptr) return;
    kernels_.column_sums(dy, window.out_height * window.out_width,
                         problem_.out_channels, sums + kernel_size_);
  }

  void AddImages(const ExampleSlice& slice) {
    if (slice.first == 0) std::fill_n(total_, sums_, 0.0);
    for (int64_t i = 0; i < slice.count; ++i) {
      for (int64_t j = 0; j < sums_; ++j) {
        total_[j] += static_cast<double>(partial_[i * sums_ + j]);
      }
    }
  }

  void WriteGradients() {
    for (int64_t j = 0; j < kernel_size_; ++j) {
      kernel_grad_[j] = static_cast<float>(total_[j]);
    }
    for (int64_t j = kernel_size_; j < sums_; ++j) {
      bias_grad_[j - kernel_size_] = static_cast<float>(total_[j]);
    }
  }

  const ConvolutionProblem problem_;
  const Kernels& kernels_;
  const WindowTaps taps_;
  const int64_t kernel_size_;
  const int64_t sums_;  // floats of an image's gradients, the bias' last
  Copies<WindowTaps> copies_{taps_};
  ThreadPool* pool_ = nullptr;
  int partial_id_ = -1;  // of the planner
  int total_id_ = -1;
  float* partial_ = nullptr;
  double* total_ = nullptr;  // of the slices so far
  float* kernel_grad_ = nullptr;
  float* bias_grad_ = nullptr;  // null without bias
  int64_t batch_ = 0;
};

// A kernel of ours, an image a thread.
class OwnInputGrad : public Operation {
 public:
  OwnInputGrad(const ConvolutionProblem& problem, const ComputeContext& context)
      : problem_(problem),
        kernels_(*context.kernels),
        taps_(problem.window, Multiplier(problem)) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    kernel_id_ = context.planner.Add(problem_.name + "/arranged kernel",
                                     MemoryClass::kWorkspace,
                                     taps_.kernel_floats() * kFloatBytes,
                                     context.backward, context.backward);
    copies_.Plan(problem_.name + "/padded dy", context, examples,
                 context.backward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_ = tensors.params[0];
    arranged_ = arena.Floats(kernel_id_);
    copies_.Bind(arena);
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    const bool arranges = taps_.kernel_floats() > 0;
    if (arranges && slice.first == 0) taps_.ArrangeKernel(kernel_, arranged_);
    const float* kernel = arranges ? arranged_ : kernel_;
    copies_.ForEach(*pool_, slice.count, [&](int64_t i, float* copy) {
      taps_.Fill(slice.dy + i * problem_.out_size(), copy);
      float* dx = slice.dx + i * problem_.in_size();
      for (const GradientTaps::Phase& phase : taps_.phases()) {
        kernels_.depthwise(taps_.PassOver(phase, copy), kernel, nullptr, {},
                           dx + phase.first);
      }
    });
  }

 private:
  const ConvolutionProblem problem_;
  const Kernels& kernels_;
  const GradientTaps taps_;
  Copies<GradientTaps> copies_{taps_};
  ThreadPool* pool_ = nullptr;
  int kernel_id_ = -1;  // of the planner
  const float* kernel_ = nullptr;
  float* arranged_ = nullptr;
};

constexpr Candidate<ConvolutionProblem> kForwards[] = {
    {Library::kXnnpack, CreateXnnpackForward},
    {Library::kOwn, CreateOperation<OwnForward, ConvolutionProblem>},
};
constexpr Candidate<ConvolutionProblem> kWeightGrads[] = {
    {Library::kOwn, CreateOperation<OwnWeightGrads, ConvolutionProblem>},
};
constexpr Candidate<ConvolutionProblem> kInputGrads[] = {
    {Library::kXnnpack, CreateXnnpackInputGrad, XnnpackHasInputGrad},
    {Library::kOwn, CreateOperation<OwnInputGrad, ConvolutionProblem>},
};

}  // namespace

ConvolutionCandidates DepthwiseForwards() { return kForwards; }
ConvolutionCandidates DepthwiseWeightGrads() { return kWeightGrads; }
ConvolutionCandidates DepthwiseInputGrads() { return kInputGrads; }

Result<Products> CreateDepthwiseProducts(const ConvolutionProblem& problem,
                                         bool wants_dx,
                                         const ComputeContext& context) {
  return CreateProducts<ConvolutionProblem>(
      {.forward = DepthwiseForwards(),
       .weight_grads = DepthwiseWeightGrads(),
       .input_grad = DepthwiseInputGrads()},
      problem, ShapeOf(problem), wants_dx, context);
}

}  // namespace batchsweep
