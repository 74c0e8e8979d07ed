#include "graph/network.h"

#include <algorithm>
#include <format>

#include "util/check.h"

namespace batchsweep {
namespace {

constexpr int64_t kFloatBytes = sizeof(float);
constexpr int64_t kFloatsPerLine = 64 / kFloatBytes;

int64_t RoundUpToLine(int64_t floats) {
  return (floats + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
}

// Linear computes nothing, and softmax is part of the loss.
bool ComputesAlone(Activation activation) {
  return activation == Activation::kRelu || activation == Activation::kTanh ||
         activation == Activation::kSigmoid;
}

// Moments of a step, in order: 0 load, 1..n forward, n + 1 loss, n + 2 .. 2n +
// 1 backward from the last layer to the first, 2n + 2 update.
struct Moments {
  int layers;
  int Forward(int layer) const { return 1 + layer; }
  int Loss() const { return layers + 1; }
  int Backward(int layer) const { return 2 * layers + 1 - layer; }
  int Update() const { return 2 * layers + 2; }
};

}  // namespace

Result<Network> Network::Create(const ModelSpec& model, Options options,
                                ComputeContext context) {
  Network network;
  network.context_ = context;
  network.planner_ = std::make_unique<MemoryPlanner>();
  network.max_batch_ = options.max_batch;
  network.input_size_ = model.input_shape.elements();
  network.param_specs_ = ModelParams(model);
  for (const ParamSpec& param : network.param_specs_) {
    network.param_offsets_.push_back(network.flat_size_);
    network.flat_size_ += RoundUpToLine(param.shape.elements());
    network.parameter_count_ += param.shape.elements();
  }
  RETURN_IF_ERROR(network.AddNodes(model, context));
  RETURN_IF_ERROR(network.PlanMemory(options));
  return network;
}

Status Network::AddNodes(const ModelSpec& model, ComputeContext context) {
  int64_t size = input_size_;
  int param = 0;
  const auto add_activation = [&](Activation activation) -> Status {
    ASSIGN_OR_RETURN(auto layer, MakeActivation(activation, size, context));
    nodes_.push_back({.layer = std::move(layer), .output_size = size});
    return {};
  };
  for (const LayerSpec& spec : model.layers) {
    if (const auto* dense = std::get_if<DenseSpec>(&spec)) {
      ASSIGN_OR_RETURN(auto layer, MakeDense(*dense, size, context));
      size = dense->units;
      nodes_.push_back({.layer = std::move(layer),
                        .output_size = size,
                        .kernel_param = param++,
                        .bias_param = dense->use_bias ? param++ : -1});
      if (ComputesAlone(dense->activation) &&
          !DenseComputesActivation(*dense)) {
        RETURN_IF_ERROR(add_activation(dense->activation));
      }
    } else if (const auto* activation = std::get_if<ActivationSpec>(&spec)) {
      if (ComputesAlone(activation->activation)) {
        RETURN_IF_ERROR(add_activation(activation->activation));
      }
    }
  }
  classes_ = size;
  return {};
}

Status Network::PlanMemory(Options options) {
  const Moments moments{static_cast<int>(nodes_.size())};
  const int end = moments.Update();
  MemoryPlanner& planner = *planner_;
  const auto add_flat = [&](std::string name, MemoryClass memory_class) {
    return planner.Add(std::move(name), memory_class, flat_size_ * kFloatBytes,
                       0, end);
  };
  params_id_ = add_flat("weights", MemoryClass::kWeights);
  grads_id_ = add_flat("gradients", MemoryClass::kGradients);
  for (int slot = 0; slot < options.optimizer_slots; ++slot) {
    slot_ids_.push_back(
        add_flat(std::format("slot {}", slot), MemoryClass::kOptimizer));
  }

  const int64_t row_bytes = max_batch_ * kFloatBytes;
  input_id_ = planner.Add("input", MemoryClass::kActivations,
                          input_size_ * row_bytes, 0, moments.Backward(0));
  for (int i = 0; i < moments.layers; ++i) {
    Node& node = nodes_[static_cast<size_t>(i)];
    const int64_t bytes = node.output_size * row_bytes;
    const bool last = i + 1 == moments.layers;
    int y_last_use = last ? moments.Loss() : moments.Backward(i + 1);
    if (node.layer->BackwardReadsY()) y_last_use = moments.Backward(i);
    node.y_id = planner.Add(std::format("layer {} output", i),
                            MemoryClass::kActivations, bytes,
                            moments.Forward(i), y_last_use);
    node.dy_id = planner.Add(std::format("layer {} output gradient", i),
                             MemoryClass::kActivationGradients, bytes,
                             last ? moments.Loss() : moments.Backward(i + 1),
                             moments.Backward(i));
    RETURN_IF_ERROR(node.layer->Plan(max_batch_,
                                     {moments.Forward(i), moments.Backward(i)},
                                     /*wants_dx=*/i > 0, planner));
  }
  logits_id_ = nodes_.back().y_id;
  dlogits_id_ = nodes_.back().dy_id;
  planner.Plan();
  return {};
}

Status Network::Allocate() {
  ASSIGN_OR_RETURN(arena_, AllocateAligned(planner_->arena_bytes()));
  labels_.resize(static_cast<size_t>(max_batch_));
  for (size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].layer->Bind(TensorsOf(i), *planner_, arena_.get());
  }
  return SetBatch(max_batch_);
}

LayerTensors Network::TensorsOf(size_t i) const {
  const Node& node = nodes_[i];
  const auto part = [&](int flat_id, int param) -> float* {
    if (param < 0) return nullptr;
    return Floats(flat_id) + param_offsets_[static_cast<size_t>(param)];
  };
  return {.x = i == 0 ? Floats(input_id_) : Floats(nodes_[i - 1].y_id),
          .y = Floats(node.y_id),
          .dy = Floats(node.dy_id),
          .dx = i == 0 ? nullptr : Floats(nodes_[i - 1].dy_id),
          .kernel = part(params_id_, node.kernel_param),
          .bias = part(params_id_, node.bias_param),
          .dkernel = part(grads_id_, node.kernel_param),
          .dbias = part(grads_id_, node.bias_param)};
}

float* Network::Floats(int id) const {
  const TensorPlan& tensor = planner_->tensors()[static_cast<size_t>(id)];
  return reinterpret_cast<float*>(arena_.get() + tensor.offset);
}

void Network::SetWeights(const std::vector<NamedTensor>& weights) {
  CHECK(weights.size() == param_specs_.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    CHECK(weights[i].shape == param_specs_[i].shape);
    std::ranges::copy(weights[i].values, ParamPart(params(), i).begin());
  }
}

std::vector<NamedTensor> Network::Weights() const {
  std::vector<NamedTensor> weights;
  for (size_t i = 0; i < param_specs_.size(); ++i) {
    const auto part = ParamPart({Floats(params_id_), FlatSize()}, i);
    weights.push_back({.name = param_specs_[i].name,
                       .shape = param_specs_[i].shape,
                       .values = {part.begin(), part.end()}});
  }
  return weights;
}

std::span<float> Network::ParamPart(std::span<float> flat, size_t param) const {
  return flat.subspan(
      static_cast<size_t>(param_offsets_[param]),
      static_cast<size_t>(param_specs_[param].shape.elements()));
}

Status Network::SetBatch(int64_t batch) {
  CHECK(batch >= 1 && batch <= max_batch_);
  if (batch == batch_) return {};
  for (Node& node : nodes_) RETURN_IF_ERROR(node.layer->SetBatch(batch));
  batch_ = batch;
  return {};
}

void Network::Forward() {
  for (Node& node : nodes_) node.layer->Forward();
}

BatchScore Network::Loss() {
  return context_.kernels->softmax_cross_entropy(Floats(logits_id_),
                                                 labels_.data(), batch_,
                                                 classes_, Floats(dlogits_id_));
}

void Network::Backward() {
  context_.kernels->cross_entropy_grad(labels_.data(), batch_, classes_,
                                       Floats(dlogits_id_));
  for (size_t i = nodes_.size(); i-- > 0;) nodes_[i].layer->Backward();
}

}  // namespace batchsweep
