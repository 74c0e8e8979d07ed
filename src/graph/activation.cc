#include "graph/layer.h"
#include "util/check.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

using Gradient = void (*)(const float* y, const float* dy, int64_t count,
                          float* dx);

Gradient GradientOf(Activation activation, const Kernels& kernels) {
  switch (activation) {
    case Activation::kRelu:
      return kernels.relu_grad;
    case Activation::kTanh:
      return kernels.tanh_grad;
    case Activation::kSigmoid:
      return kernels.sigmoid_grad;
    default:
      return nullptr;
  }
}

xnn::Unary::Function FunctionOf(Activation activation) {
  if (activation == Activation::kTanh) return xnn::Unary::Function::kTanh;
  if (activation == Activation::kSigmoid) return xnn::Unary::Function::kSigmoid;
  return xnn::Unary::Function::kRelu;
}

// y = f(x); dx = dy * f'(x), with f' from y.
class ElementwiseActivation : public Layer {
 public:
  ElementwiseActivation(int64_t size, Gradient gradient, ComputeContext context,
                        xnn::Unary forward)
      : size_(size),
        gradient_(gradient),
        context_(context),
        forward_(std::move(forward)) {}

  Status Plan(int64_t, LayerMoments, bool, MemoryPlanner&) override {
    return {};
  }

  void Bind(const LayerTensors& tensors, const MemoryPlanner&,
            std::byte*) override {
    tensors_ = tensors;
  }

  Status SetBatch(int64_t batch) override {
    batch_ = batch;
    RETURN_IF_ERROR(forward_.Reshape(batch, size_, *context_.pool));
    return forward_.Bind(tensors_.x, tensors_.y);
  }

  void Forward() override { forward_.Run(*context_.pool); }

  void Backward() override {
    if (tensors_.dx == nullptr) return;
    gradient_(tensors_.y, tensors_.dy, batch_ * size_, tensors_.dx);
  }

  bool BackwardReadsY() const override { return true; }

 private:
  const int64_t size_;
  const Gradient gradient_;
  const ComputeContext context_;
  xnn::Unary forward_;
  LayerTensors tensors_;
  int64_t batch_ = 0;
};

}  // namespace

Result<std::unique_ptr<Layer>> MakeActivation(Activation activation,
                                              int64_t size,
                                              ComputeContext context) {
  const Gradient gradient = GradientOf(activation, *context.kernels);
  CHECK(gradient != nullptr);
  ASSIGN_OR_RETURN(auto forward, xnn::Unary::Create(FunctionOf(activation)));
  return std::make_unique<ElementwiseActivation>(size, gradient, context,
                                                 std::move(forward));
}

}  // namespace batchsweep
