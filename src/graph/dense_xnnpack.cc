// XNNPACK's bodies of a dense layer's products: its fully connected operator
// with live weights, and its product of matrices.
#include <utility>

#include "graph/arithmetic.h"
#include "graph/dense_operations.h"
#include "graph/packed_weights.h"
#include "util/check.h"
#include "xnn/fully_connected.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

// y = clamp(x W + b), all by one operator.
class XnnpackForward : public Operation {
 public:
  XnnpackForward(const DenseProblem& problem, xnn::FullyConnected op)
      : problem_(problem), op_(std::move(op)) {}

  Status Plan(const PlanContext& context, int64_t) override {
    weights_.Plan(problem_.name + "/packed", op_, context, context.forward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    weights_.Bind(arena, tensors.params[0],
                  problem_.use_bias ? tensors.params[1] : nullptr, op_);
  }

  Status SetBatch(int64_t, int64_t slice, ThreadPool& pool) override {
    pool_ = &pool;
    return op_.Reshape(slice, pool);
  }

  void Run(const ExampleSlice& slice) override {
    weights_.BeforeRun(op_);
    CHECK(op_.Bind(slice.x, slice.y).has_value());
    op_.Run(*pool_);
  }

  void WeightsChanged() override { weights_.WeightsChanged(op_); }
  bool RecreatesOperators() const override { return !op_.live(); }

 private:
  const DenseProblem problem_;
  xnn::FullyConnected op_;
  PackedWeights weights_;
  ThreadPool* pool_ = nullptr;
};

// The workspace into which a product of matrices packs its second operand at
// each run.
class ProductWorkspace {
 public:
  Status Plan(const std::string& name, const PlanContext& context, int64_t m,
              int64_t k, int64_t n, xnn::MatMul& op) {
    ThreadPool serial(1);
    ASSIGN_OR_RETURN(const int64_t bytes, op.Reshape(m, k, n, serial));
    id_ = context.planner.Add(name, MemoryClass::kWorkspace, bytes,
                              context.backward, context.backward);
    return {};
  }
  std::byte* In(const Arena& arena) const { return arena.At(id_); }

 private:
  int id_ = -1;  // of the planner
};

// dW = x' dy. This XNNPACK cannot read x transposed, so it is transposed first.
class XnnpackKernelGrad : public Operation {
 public:
  XnnpackKernelGrad(const DenseProblem& problem, xnn::Transpose transpose,
                    xnn::MatMul product)
      : problem_(problem),
        transpose_(std::move(transpose)),
        product_(std::move(product)) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    transposed_id_ = context.planner.Add(problem_.name + "/x transposed",
                                         MemoryClass::kWorkspace,
                                         examples * problem_.in * kFloatBytes,
                                         context.backward, context.backward);
    return workspace_.Plan(problem_.name + "/dy packed", context, problem_.in,
                           examples, problem_.out, product_);
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    grad_ = tensors.grads[0];
    transposed_x_ = arena.Floats(transposed_id_);
    packed_ = workspace_.In(arena);
  }

  Status SetBatch(int64_t, int64_t slice, ThreadPool& pool) override {
    pool_ = &pool;
    RETURN_IF_ERROR(transpose_.Reshape(slice, problem_.in, pool));
    RETURN_IF_ERROR(product_.Reshape(problem_.in, slice, problem_.out, pool));
    return {};
  }

  // A dense layer's batch is one slice, so dW is written and never added to.
  void Run(const ExampleSlice& slice) override {
    CHECK(transpose_.Bind(slice.x, transposed_x_).has_value());
    CHECK(product_.Bind(packed_, transposed_x_, slice.dy, grad_).has_value());
    transpose_.Run(*pool_);
    product_.Run(*pool_);
  }

 private:
  const DenseProblem problem_;
  xnn::Transpose transpose_;
  xnn::MatMul product_;
  ProductWorkspace workspace_;
  ThreadPool* pool_ = nullptr;
  int transposed_id_ = -1;  // of the planner
  float* transposed_x_ = nullptr;
  std::byte* packed_ = nullptr;
  float* grad_ = nullptr;
};

// dx = dy W'
class XnnpackInputGrad : public Operation {
 public:
  XnnpackInputGrad(const DenseProblem& problem, xnn::MatMul product)
      : problem_(problem), product_(std::move(product)) {}

  Status Plan(const PlanContext& context, int64_t examples) override {
    return workspace_.Plan(problem_.name + "/W packed for dx", context,
                           examples, problem_.out, problem_.in, product_);
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) override {
    kernel_ = tensors.params[0];
    packed_ = workspace_.In(arena);
  }

  Status SetBatch(int64_t, int64_t slice, ThreadPool& pool) override {
    pool_ = &pool;
    RETURN_IF_ERROR(product_.Reshape(slice, problem_.out, problem_.in, pool));
    return {};
  }

  void Run(const ExampleSlice& slice) override {
    CHECK(product_.Bind(packed_, slice.dy, kernel_, slice.dx).has_value());
    product_.Run(*pool_);
  }

 private:
  const DenseProblem problem_;
  xnn::MatMul product_;
  ProductWorkspace workspace_;
  ThreadPool* pool_ = nullptr;
  const float* kernel_ = nullptr;
  std::byte* packed_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Operation>> CreateXnnpackDenseForward(
    const DenseProblem& problem, const ComputeContext&) {
  ASSIGN_OR_RETURN(auto op, xnn::FullyConnected::Create(
                                {.in = problem.in,
                                 .out = problem.out,
                                 .use_bias = problem.use_bias,
                                 .clamp = ClampOf(problem.activation)}));
  return std::make_unique<XnnpackForward>(problem, std::move(op));
}

Result<std::unique_ptr<Operation>> CreateXnnpackDenseKernelGrad(
    const DenseProblem& problem, const ComputeContext&) {
  ASSIGN_OR_RETURN(auto transpose, xnn::Transpose::Create());
  ASSIGN_OR_RETURN(auto product, xnn::MatMul::Create({}));
  return std::make_unique<XnnpackKernelGrad>(problem, std::move(transpose),
                                             std::move(product));
}

Result<std::unique_ptr<Operation>> CreateXnnpackDenseInputGrad(
    const DenseProblem& problem, const ComputeContext&) {
  ASSIGN_OR_RETURN(auto product, xnn::MatMul::Create({.transpose_b = true}));
  return std::make_unique<XnnpackInputGrad>(problem, std::move(product));
}

}  // namespace batchsweep
