#include "graph/dense_operations.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "graph/arithmetic.h"
#include "graph/weight_update.h"
#include "util/check.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

// Where each row of a matrix of `count` rows begins: offsets[i] = i * stride.
std::vector<int32_t> RowOffsets(int64_t count, int64_t stride) {
  std::vector<int32_t> offsets(static_cast<size_t>(count));
  for (size_t i = 0; i < offsets.size(); ++i) {
    offsets[i] = static_cast<int32_t>(static_cast<int64_t>(i) * stride);
  }
  return offsets;
}

// Our product, with x and W as they lie.
class ProductForward : public Operation {
 public:
  ProductForward(const DenseProblem& problem, const ComputeContext& context)
      : problem_(problem),
        clamp_(ClampOf(problem.activation)),
        kernels_(*context.kernels) {}

  Status Plan(const PlanContext&, int64_t examples) override {
    x_offsets_ = RowOffsets(examples, problem_.in);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena&) override {
    kernel_ = tensors.params[0];
    bias_ = problem_.use_bias ? tensors.params[1] : nullptr;
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    RunProduct({.a = slice.x,
                .a_stride = 1,
                .a_offsets = x_offsets_.data(),
                .b = kernel_,
                .b_stride = problem_.out,
                .rows = problem_.in,
                .m = slice.count,
                .n = problem_.out,
                .c = slice.y,
                .c_stride = problem_.out,
                .bias = bias_,
                .low = clamp_.min,
                .high = clamp_.max},
               kernels_, *pool_);
  }

 private:
  const DenseProblem problem_;
  const xnn::Clamp clamp_;
  const Kernels& kernels_;
  std::vector<int32_t> x_offsets_;
  ThreadPool* pool_ = nullptr;
  const float* kernel_ = nullptr;
  const float* bias_ = nullptr;
};

// A tile of dW has so many floats at most, 48 KiB on the stack of the thread
// that computes it, and whole groups of so many rows: what the product's tiles
// fill. A tile that fits a first-level cache has too few rows where they are
// long.
constexpr int64_t kTileFloats = 12 * 1024;
constexpr int64_t kTileRowGroup = 12;

// Our product, with x and dy as they lie: examples are what it sums over. It is
// stored, or handed to the update in tiles of some rows of W.
class ProductKernelGrad : public Operation {
 public:
  ProductKernelGrad(const DenseProblem& problem, const ComputeContext& context)
      : problem_(problem), kernels_(*context.kernels) {}

  Status Plan(const PlanContext&, int64_t) override { return {}; }

  void Bind(const LayerTensors& tensors, const Arena&) override {
    kernel_ = tensors.params[0];
    grad_ = tensors.grads[0];
  }

  Status SetBatch(int64_t, int64_t, ThreadPool& pool) override {
    pool_ = &pool;
    return {};
  }

  // A trial has no update, and a place for the whole gradient.
  void Run(const ExampleSlice& slice) override {
    if (FusesUpdate() && slice.update != nullptr) return Update(slice);
    MatrixProduct product = ProductOf(slice);
    product.c = grad_;
    RunProduct(product, kernels_, *pool_);
  }

  bool FusesUpdate() const override { return problem_.fuses_update; }

 private:
  int64_t TileRows() const {
    return kTileFloats / (problem_.out * kTileRowGroup) * kTileRowGroup;
  }

  // All of dW, but for the place that it is written to.
  MatrixProduct ProductOf(const ExampleSlice& slice) const {
    return {.a = slice.x,
            .a_stride = problem_.in,
            .b = slice.dy,
            .b_stride = problem_.out,
            .rows = slice.count,
            .m = problem_.in,
            .n = problem_.out,
            .c_stride = problem_.out,
            .accumulate = slice.first > 0};
  }

  // Each thread has consecutive rows of W. No element of dW depends on how it
  // is cut.
  void Update(const ExampleSlice& slice) const {
    pool_->ParallelFor(problem_.in, TileOf(problem_.in, TileRows(), *pool_),
                       [&](int64_t begin, int64_t count) {
                         UpdateRows(slice, begin, begin + count);
                       });
  }

  void UpdateRows(const ExampleSlice& slice, int64_t row, int64_t end) const {
    alignas(64) std::array<float, kTileFloats> tile;
    MatrixProduct product = ProductOf(slice);
    product.c = tile.data();
    for (; row < end; row += product.m) {
      product.a = slice.x + row;
      product.m = std::min(TileRows(), end - row);
      kernels_.matrix_product(product);
      const auto size = static_cast<size_t>(product.m * problem_.out);
      slice.update->Apply({kernel_ + row * problem_.out, size},
                          std::span(tile).first(size));
    }
  }

  const DenseProblem problem_;
  const Kernels& kernels_;
  ThreadPool* pool_ = nullptr;
  float* kernel_ = nullptr;
  float* grad_ = nullptr;
};

// Our product, as dx' = W dy': so W, the largest of the three, is read as it
// lies, and only dy and dx are transposed, by XNNPACK.
class ProductInputGrad : public Operation {
 public:
  ProductInputGrad(const DenseProblem& problem, xnn::Transpose transpose_dy,
                   xnn::Transpose transpose_dx, const ComputeContext& context)
      : problem_(problem),
        kernels_(*context.kernels),
        transpose_dy_(std::move(transpose_dy)),
        transpose_dx_(std::move(transpose_dx)),
        kernel_offsets_(RowOffsets(problem.in, problem.out)) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    const auto workspace = [&](const char* name, int64_t floats) {
      return context.planner.Add(problem_.name + name, MemoryClass::kWorkspace,
                                 examples * floats * kFloatBytes,
                                 context.backward, context.backward);
    };
    dy_id_ = workspace("/dy transposed", problem_.out);
    dx_id_ = workspace("/dx transposed", problem_.in);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_ = tensors.params[0];
    transposed_dy_ = arena.Floats(dy_id_);
    transposed_dx_ = arena.Floats(dx_id_);
  }

  Status SetBatch(int64_t, int64_t slice, ThreadPool& pool) override {
    pool_ = &pool;
    return Shape(slice);
  }

  void Run(const ExampleSlice& slice) override {
    if (slice.count != shaped_for_) CHECK(Shape(slice.count).has_value());
    CHECK(transpose_dy_.Bind(slice.dy, transposed_dy_).has_value());
    CHECK(transpose_dx_.Bind(transposed_dx_, slice.dx).has_value());
    transpose_dy_.Run(*pool_);
    RunProduct({.a = kernel_,
                .a_stride = 1,
                .a_offsets = kernel_offsets_.data(),
                .b = transposed_dy_,
                .b_stride = slice.count,
                .rows = problem_.out,
                .m = problem_.in,
                .n = slice.count,
                .c = transposed_dx_,
                .c_stride = slice.count},
               kernels_, *pool_);
    transpose_dx_.Run(*pool_);
  }

 private:
  Status Shape(int64_t examples) {
    RETURN_IF_ERROR(transpose_dy_.Reshape(examples, problem_.out, *pool_));
    RETURN_IF_ERROR(transpose_dx_.Reshape(problem_.in, examples, *pool_));
    shaped_for_ = examples;
    return {};
  }

  const DenseProblem problem_;
  const Kernels& kernels_;
  xnn::Transpose transpose_dy_;
  xnn::Transpose transpose_dx_;
  const std::vector<int32_t> kernel_offsets_;
  ThreadPool* pool_ = nullptr;
  // Ids of the planner.
  int dy_id_ = -1;
  int dx_id_ = -1;
  const float* kernel_ = nullptr;
  float* transposed_dy_ = nullptr;
  float* transposed_dx_ = nullptr;
  int64_t shaped_for_ = 0;
};

Result<std::unique_ptr<Operation>> CreateProductInputGrad(
    const DenseProblem& problem, const ComputeContext& context) {
  ASSIGN_OR_RETURN(auto transpose_dy, xnn::Transpose::Create());
  ASSIGN_OR_RETURN(auto transpose_dx, xnn::Transpose::Create());
  return std::make_unique<ProductInputGrad>(problem, std::move(transpose_dy),
                                            std::move(transpose_dx), context);
}

constexpr Candidate<DenseProblem> kForwards[] = {
    {Library::kXnnpack, CreateXnnpackDenseForward},
    {Library::kOwn, CreateOperation<ProductForward, DenseProblem>},
};
constexpr Candidate<DenseProblem> kKernelGrads[] = {
    {Library::kXnnpack, CreateXnnpackDenseKernelGrad},
    {Library::kOwn, CreateOperation<ProductKernelGrad, DenseProblem>},
};
constexpr Candidate<DenseProblem> kInputGrads[] = {
    {Library::kXnnpack, CreateXnnpackDenseInputGrad},
    {Library::kOwn, CreateProductInputGrad},
};

}  // namespace

bool HasUpdateTiles(int64_t out) { return out * kTileRowGroup <= kTileFloats; }

DenseCandidates DenseForwards() { return kForwards; }
DenseCandidates DenseKernelGrads() { return kKernelGrads; }
DenseCandidates DenseInputGrads() { return kInputGrads; }

Result<Products> CreateDenseProducts(const DenseProblem& problem, bool wants_dx,
                                     const ComputeContext& context) {
  OperationShape shape{
      .layer = problem.name,
      .in = problem.in,
      .out = problem.out,
      .params = {problem.in * problem.out},
      .weight_grads_fuse_update = problem.fuses_update,
      .multiply_adds = problem.in * problem.out,
      // The whole batch goes through each product at once.
      .slice = [](int64_t, int64_t batch, int64_t) { return batch; }};
  if (problem.use_bias) shape.params.push_back(problem.out);
  return CreateProducts<DenseProblem>({.forward = DenseForwards(),
                                       .weight_grads = DenseKernelGrads(),
                                       .input_grad = DenseInputGrads()},
                                      problem, std::move(shape), wants_dx,
                                      context);
}

}  // namespace batchsweep
