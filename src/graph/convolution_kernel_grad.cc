#include "graph/arithmetic.h"
#include "graph/convolution_operations.h"
#include "graph/padded_image.h"

namespace batchsweep {
namespace {

// From this many channels on, those of one tap are worth a product of their
// own: they fill two tiles of the product's rows.
constexpr int64_t kChannelsOfATap = 12;

// The product's widest tile has this many rows (matrix_product-inl.h), and
// threads are given whole tiles.
constexpr int64_t kProductRows = 6;

// This body multiplies, for each image, what its windows read, transposed, by
// dy. Images are added one after the other and threads share out the taps, so
// that sums do not depend on the number of threads.
class ProductKernelGrad : public Operation {
 public:
  ProductKernelGrad(const ConvolutionProblem& problem,
                    const ComputeContext& context)
      : problem_(problem),
        kernels_(*context.kernels),
        padded_(problem.window),
        tap_offsets_(padded_.TapOffsets()) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    if (padded_.floats() == 0) return {};
    padded_id_ = context.planner.Add(problem_.name + "/padded for dW",
                                     MemoryClass::kWorkspace,
                                     examples * padded_.floats() * kFloatBytes,
                                     context.backward, context.backward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    grad_ = tensors.grads[0];
    if (padded_.floats() > 0) padded_images_ = arena.Floats(padded_id_);
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    // Threads share out images here and taps below: each tap reads all images,
    // so all must be padded first.
    if (padded_.floats() > 0) {
      ForEachExample(*pool_, slice.count, [&](int64_t i) {
        padded_.Fill(slice.x + i * problem_.in_size(),
                     padded_images_ + i * padded_.floats());
      });
    }
    // The channels of one tap lie together, which is read faster than through
    // offsets; with few channels, though, a tap would not fill its tiles.
    const bool by_tap = problem_.window.channels >= kChannelsOfATap;
    const int64_t unit = by_tap ? problem_.window.channels : kProductRows;
    pool_->ParallelFor(problem_.taps(), TileOf(problem_.taps(), unit, *pool_),
                       [&](int64_t begin, int64_t count) {
                         for (int64_t i = 0; i < slice.count; ++i) {
                           if (by_tap) {
                             AddByTap(slice, i, begin, count);
                           } else {
                             AddByOffsets(slice, i, begin, count);
                           }
                         }
                       });
  }

  int64_t scratch_floats() const override { return padded_.floats(); }

 private:
  // Returns the product that adds image i's share to dW's rows from `row` on;
  // the caller fills in a, its offsets and m. The sum runs over the pixels of
  // dy, a band for each of its lines. The batch's first image overwrites dW, so
  // that nothing need clear it.
  MatrixProduct Product(const ExampleSlice& slice, int64_t i,
                        int64_t row) const {
    const WindowGeometry& window = problem_.window;
    const int64_t oc = problem_.out_channels;
    return {.a_stride = window.stride_width * window.channels,
            .a_band_stride = window.stride_height * padded_.line_floats(),
            .b = slice.dy + i * problem_.out_size(),
            .b_stride = oc,
            .b_band_stride = window.out_width * oc,
            .bands = window.out_height,
            .rows = window.out_width,
            .n = oc,
            .c = grad_ + row * oc,
            .c_stride = oc,
            .accumulate = slice.first + i > 0};
  }

  const float* Image(const ExampleSlice& slice, int64_t i) const {
    return padded_.floats() > 0 ? padded_images_ + i * padded_.floats()
                                : slice.x + i * problem_.in_size();
  }

  void AddByTap(const ExampleSlice& slice, int64_t i, int64_t begin,
                int64_t count) const {
    for (int64_t row = begin; row < begin + count;
         row += problem_.window.channels) {
      MatrixProduct product = Product(slice, i, row);
      product.a = Image(slice, i) + tap_offsets_[static_cast<size_t>(row)];
      product.m = problem_.window.channels;
      kernels_.matrix_product(product);
    }
  }

  void AddByOffsets(const ExampleSlice& slice, int64_t i, int64_t begin,
                    int64_t count) const {
    MatrixProduct product = Product(slice, i, begin);
    product.a = Image(slice, i);
    product.a_offsets = tap_offsets_.data() + begin;
    product.m = count;
    kernels_.matrix_product(product);
  }

  const ConvolutionProblem problem_;
  const Kernels& kernels_;
  const PaddedImage padded_;
  const std::vector<int32_t> tap_offsets_;
  ThreadPool* pool_ = nullptr;
  int padded_id_ = -1;  // of the planner
  float* padded_images_ = nullptr;
  float* grad_ = nullptr;
};

constexpr Candidate<ConvolutionProblem> kCandidates[] = {
    {Library::kOwn, CreateOperation<ProductKernelGrad, ConvolutionProblem>},
};

}  // namespace

ConvolutionCandidates ConvolutionKernelGrads() { return kCandidates; }

}  // namespace batchsweep
