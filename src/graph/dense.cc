#include <algorithm>

#include "graph/arithmetic.h"
#include "graph/dense_operations.h"
#include "graph/layer_builder.h"

namespace batchsweep {
namespace {

// y = activation(x W + b); dW, dx and db = column sums of dy. The whole batch
// goes through each product at once.
class Dense : public Layer {
 public:
  Dense(const DenseProblem& problem, Products products,
        const ComputeContext& context)
      : problem_(problem),
        products_(std::move(products)),
        kernels_(*context.kernels) {}

  Status Plan(const PlanContext& context) override {
    const int64_t batch = context.max_batch;
    // The offsets of products are 32 bits wide.
    if (problem_.in * std::max(problem_.out, batch) > INT32_MAX) {
      return Fail("layer \"{}\": {} inputs of {} examples are more than 2^31",
                  problem_.name, problem_.in, batch);
    }
    if (problem_.use_bias) {
      partial_id_ = context.planner.Add(
          problem_.name + "/partial sums", MemoryClass::kWorkspace,
          ColumnSumsFloats(batch, problem_.out) * kFloatBytes, context.backward,
          context.backward);
    }
    return products_.Plan(context, batch, batch);
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    if (problem_.use_bias) partial_ = arena.Floats(partial_id_);
    products_.Bind(tensors, arena);
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    return products_.SetBatch(batch, batch, batch, pools);
  }

  void Forward(const ForwardContext&) override {
    products_.forward->Run(
        {.count = batch_, .x = tensors_.x[0], .y = tensors_.y});
  }

  void Backward() override { RunBackward(nullptr); }
  void BackwardAndUpdate(const WeightUpdate& update) override {
    RunBackward(&update);
  }

  std::optional<double> ShareSquares(NoiseScope) override {
    // Its activations' gradients are masks, which may be applied twice.
    ApplyActivationGrad();
    double sum = 0.0;
    for (int64_t i = 0; i < batch_; ++i) {
      const double dy_square =
          kernels_.sum_of_squares(tensors_.dy + i * problem_.out, problem_.out);
      const double x_square =
          kernels_.sum_of_squares(tensors_.x[0] + i * problem_.in, problem_.in);
      sum += dy_square * (x_square + (problem_.use_bias ? 1.0 : 0.0));
    }
    return sum;
  }

  void WeightsChanged() override { products_.WeightsChanged(); }
  bool BackwardReadsY() const override {
    return problem_.activation != Activation::kLinear;
  }
  MultiplyAdds Work() const override { return products_.multiply_adds; }
  bool RecreatesOperators() const override {
    return products_.RecreatesOperators();
  }
  bool FusesUpdate() const override { return products_.FusesUpdate(); }

 private:
  void ApplyActivationGrad() {
    ActivationGrad(problem_.activation, tensors_.y, batch_ * problem_.out,
                   tensors_.dy, kernels_, *pools_.backward);
  }

  void RunBackward(const WeightUpdate* update) {
    ApplyActivationGrad();
    if (problem_.use_bias) {
      ColumnSums(tensors_.dy, batch_, problem_.out, partial_, tensors_.grads[1],
                 kernels_, *pools_.backward);
    }
    products_.RunBackward({.count = batch_,
                           .x = tensors_.x[0],
                           .dy = tensors_.dy,
                           .dx = tensors_.dx[0],
                           .update = update});
  }

  const DenseProblem problem_;
  const Products products_;
  const Kernels& kernels_;
  LayerTensors tensors_;
  LayerPools pools_;
  int partial_id_ = -1;  // of the planner
  float* partial_ = nullptr;
  int64_t batch_ = 0;
};

}  // namespace

Status BuildLayer(const DenseSpec& spec, LayerBuilder& builder) {
  const DenseProblem problem{.name = spec.name,
                             .in = builder.input_shape().elements(),
                             .out = spec.units,
                             .use_bias = spec.use_bias,
                             // A penalty is added to a gradient that is whole.
                             .fuses_update = builder.fuses_updates() &&
                                             spec.kernel_l2 == 0.0f &&
                                             HasUpdateTiles(spec.units),
                             .activation = ComputedActivation(spec.activation)};
  ASSIGN_OR_RETURN(
      Products products,
      CreateDenseProducts(problem, builder.wants_dx(), builder.context()));
  builder.Append(
      std::make_unique<Dense>(problem, std::move(products), builder.context()),
      {{spec.units}}, spec.Params(builder.input_shape()));
  return BuildActivationBehind(spec.activation, builder);
}

}  // namespace batchsweep
