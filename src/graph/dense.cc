#include <algorithm>
#include <optional>

#include "graph/layer.h"
#include "util/check.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

int64_t FloatBytes(int64_t count) {
  return count * static_cast<int64_t>(sizeof(float));
}

// y = x W + b, or relu of it;
// dW = x' dy, db = column sums of dy, dx = dy W'.
class Dense : public Layer {
 public:
  Dense(const DenseSpec& spec, int64_t in, ComputeContext context,
        xnn::MatMul forward, xnn::Transpose transpose_x,
        xnn::MatMul kernel_grad, xnn::MatMul input_grad)
      : name_(spec.name),
        in_(in),
        out_(spec.units),
        relu_(DenseComputesActivation(spec)),
        context_(context),
        forward_(std::move(forward)),
        transpose_x_(std::move(transpose_x)),
        kernel_grad_(std::move(kernel_grad)),
        input_grad_(std::move(input_grad)) {}

  Status Plan(int64_t batch, LayerMoments moments, bool wants_dx,
              MemoryPlanner& planner) override {
    ThreadPool& pool = *context_.pool;
    ASSIGN_OR_RETURN(const int64_t forward_bytes,
                     forward_.Reshape(batch, in_, out_, pool));
    forward_workspace_ =
        planner.Add(name_ + "/packed kernel", MemoryClass::kPackedWeights,
                    forward_bytes, moments.forward, moments.forward);
    transposed_x_ = planner.Add(
        name_ + "/x transposed", MemoryClass::kWorkspace,
        FloatBytes(batch * in_), moments.backward, moments.backward);
    ASSIGN_OR_RETURN(const int64_t kernel_grad_bytes,
                     kernel_grad_.Reshape(in_, batch, out_, pool));
    int64_t backward_bytes = kernel_grad_bytes;
    if (wants_dx) {
      ASSIGN_OR_RETURN(const int64_t input_grad_bytes,
                       input_grad_.Reshape(batch, out_, in_, pool));
      backward_bytes = std::max(backward_bytes, input_grad_bytes);
    }
    backward_workspace_ =
        planner.Add(name_ + "/backward", MemoryClass::kWorkspace,
                    backward_bytes, moments.backward, moments.backward);
    return {};
  }

  void Bind(const LayerTensors& tensors, const MemoryPlanner& planner,
            std::byte* arena) override {
    tensors_ = tensors;
    planner_ = &planner;
    arena_ = arena;
  }

  Status SetBatch(int64_t batch) override {
    batch_ = batch;
    ThreadPool& pool = *context_.pool;
    RETURN_IF_ERROR(
        Fits(forward_.Reshape(batch, in_, out_, pool), forward_workspace_));
    RETURN_IF_ERROR(forward_.Bind(At(forward_workspace_), tensors_.x,
                                  tensors_.kernel, tensors_.y));
    RETURN_IF_ERROR(transpose_x_.Reshape(batch, in_, pool));
    RETURN_IF_ERROR(transpose_x_.Bind(tensors_.x, TransposedX()));
    RETURN_IF_ERROR(Fits(kernel_grad_.Reshape(in_, batch, out_, pool),
                         backward_workspace_));
    RETURN_IF_ERROR(kernel_grad_.Bind(At(backward_workspace_), TransposedX(),
                                      tensors_.dy, tensors_.dkernel));
    if (tensors_.dx == nullptr) return {};
    RETURN_IF_ERROR(
        Fits(input_grad_.Reshape(batch, out_, in_, pool), backward_workspace_));
    return input_grad_.Bind(At(backward_workspace_), tensors_.dy,
                            tensors_.kernel, tensors_.dx);
  }

  void Forward() override {
    forward_.Run(*context_.pool);
    if (tensors_.bias == nullptr) return;
    const Kernels& kernels = *context_.kernels;
    const auto add = relu_ ? kernels.add_bias_relu : kernels.add_bias;
    add(tensors_.bias, batch_, out_, tensors_.y);
  }

  void Backward() override {
    if (relu_) {
      context_.kernels->relu_grad(tensors_.y, tensors_.dy, batch_ * out_,
                                  tensors_.dy);
    }
    if (tensors_.dbias != nullptr) {
      context_.kernels->column_sums(tensors_.dy, batch_, out_, tensors_.dbias);
    }
    transpose_x_.Run(*context_.pool);
    kernel_grad_.Run(*context_.pool);
    if (tensors_.dx != nullptr) input_grad_.Run(*context_.pool);
  }

  bool BackwardReadsY() const override { return relu_; }

 private:
  std::byte* At(int tensor) const {
    return arena_ + planner_->tensors()[static_cast<size_t>(tensor)].offset;
  }
  float* TransposedX() const {
    return reinterpret_cast<float*>(At(transposed_x_));
  }

  // A smaller batch must not want more workspace than the largest was given.
  Status Fits(const Result<int64_t>& bytes, int workspace) const {
    if (!bytes) return std::unexpected(bytes.error());
    CHECK(*bytes <= planner_->tensors()[static_cast<size_t>(workspace)].bytes);
    return {};
  }

  const std::string name_;
  const int64_t in_;
  const int64_t out_;
  const bool relu_;
  const ComputeContext context_;
  xnn::MatMul forward_;
  xnn::Transpose transpose_x_;
  xnn::MatMul kernel_grad_;
  xnn::MatMul input_grad_;

  // Ids of the planner.
  int forward_workspace_ = 0;
  int transposed_x_ = 0;
  int backward_workspace_ = 0;

  LayerTensors tensors_;
  const MemoryPlanner* planner_ = nullptr;
  std::byte* arena_ = nullptr;
  int64_t batch_ = 0;
};

}  // namespace

bool DenseComputesActivation(const DenseSpec& spec) {
  return spec.activation == Activation::kRelu && spec.use_bias;
}

Result<std::unique_ptr<Layer>> MakeDense(const DenseSpec& spec, int64_t in,
                                         ComputeContext context) {
  ASSIGN_OR_RETURN(auto forward, xnn::MatMul::Create({}));
  ASSIGN_OR_RETURN(auto transpose_x, xnn::Transpose::Create());
  ASSIGN_OR_RETURN(auto kernel_grad, xnn::MatMul::Create({}));
  ASSIGN_OR_RETURN(auto input_grad, xnn::MatMul::Create({.transpose_b = true}));
  return std::make_unique<Dense>(spec, in, context, std::move(forward),
                                 std::move(transpose_x), std::move(kernel_grad),
                                 std::move(input_grad));
}

}  // namespace batchsweep
