#include <optional>

#include "graph/arithmetic.h"
#include "graph/layer_builder.h"
#include "util/check.h"
#include "xnn/operator.h"

namespace batchsweep {
namespace {

constexpr int64_t kTile = 4096;

std::optional<xnn::Unary::Function> FunctionOf(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return xnn::Unary::Function::kRelu;
    case Activation::kRelu6:
      return xnn::Unary::Function::kRelu6;
    case Activation::kTanh:
      return xnn::Unary::Function::kTanh;
    case Activation::kSigmoid:
      return xnn::Unary::Function::kSigmoid;
    case Activation::kLeakyRelu:
    case Activation::kLinear:
    case Activation::kSoftmax:
      return std::nullopt;
  }
}

// y = f(x); dx = dy * f'(x), with f' from y. Leaky relu is a kernel of ours.
class ElementwiseActivation : public Layer {
 public:
  ElementwiseActivation(const ActivationSpec& spec, int64_t size,
                        const ComputeContext& context,
                        std::optional<xnn::Unary> forward)
      : activation_(spec.activation),
        slope_(spec.negative_slope),
        size_(size),
        kernels_(*context.kernels),
        forward_(std::move(forward)) {}

  Status Plan(const PlanContext&) override { return {}; }

  Status Bind(const LayerTensors& tensors, const Arena&) override {
    tensors_ = tensors;
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    count_ = batch * size_;
    pools_ = pools;
    if (!forward_) return {};
    RETURN_IF_ERROR(forward_->Reshape(batch, size_, *pools.forward));
    return forward_->Bind(tensors_.x[0], tensors_.y);
  }

  void Forward(const ForwardContext&) override {
    if (forward_) return forward_->Run(*pools_.forward);
    pools_.forward->ParallelFor(count_, TileOf(count_, kTile, *pools_.forward),
                                [&](int64_t begin, int64_t size) {
                                  kernels_.leaky_relu(tensors_.x[0] + begin,
                                                      slope_, size,
                                                      tensors_.y + begin);
                                });
  }

  void Backward() override {
    if (tensors_.dx[0] == nullptr) return;
    pools_.backward->ParallelFor(
        count_, TileOf(count_, kTile, *pools_.backward),
        [&](int64_t begin, int64_t size) {
          Gradient(tensors_.y + begin, tensors_.dy + begin, size,
                   tensors_.dx[0] + begin);
        });
  }

  bool BackwardReadsX() const override { return false; }
  bool BackwardReadsY() const override { return true; }
  bool WorksInPlace() const override { return true; }

 private:
  void Gradient(const float* y, const float* dy, int64_t count, float* dx) {
    switch (activation_) {
      case Activation::kRelu:
        return kernels_.relu_grad(y, dy, count, dx);
      case Activation::kRelu6:
        return kernels_.relu6_grad(y, dy, count, dx);
      case Activation::kTanh:
        return kernels_.tanh_grad(y, dy, count, dx);
      case Activation::kSigmoid:
        return kernels_.sigmoid_grad(y, dy, count, dx);
      case Activation::kLeakyRelu:
        return kernels_.leaky_relu_grad(y, dy, slope_, count, dx);
      case Activation::kLinear:
      case Activation::kSoftmax:
        CHECK(false && "not a layer");
    }
  }

  const Activation activation_;
  const float slope_;
  const int64_t size_;
  const Kernels& kernels_;
  std::optional<xnn::Unary> forward_;
  LayerTensors tensors_;
  LayerPools pools_;
  int64_t count_ = 0;
};

}  // namespace

// Softmax is part of the loss: the network's outputs are the scores before it.
Status BuildLayer(const ActivationSpec& spec, LayerBuilder& builder) {
  if (spec.activation == Activation::kLinear ||
      spec.activation == Activation::kSoftmax) {
    return {};
  }
  std::optional<xnn::Unary> forward;
  if (const auto function = FunctionOf(spec.activation)) {
    ASSIGN_OR_RETURN(forward, xnn::Unary::Create(*function));
  }
  const Shape& shape = builder.output_shape();
  builder.Append(
      std::make_unique<ElementwiseActivation>(
          spec, shape.elements(), builder.context(), std::move(forward)),
      shape);
  return {};
}

Status BuildActivationBehind(Activation activation, LayerBuilder& builder) {
  if (ComputesActivation(activation)) return {};
  return BuildLayer(ActivationSpec{.name = {}, .activation = activation},
                    builder);
}

}  // namespace batchsweep
