#include "graph/network.h"

#include <algorithm>
#include <cmath>

#include "graph/weight_update.h"
#include "platform/clock.h"
#include "util/check.h"

namespace batchsweep {

Result<Network> Network::Allocate(NetworkPlan plan) {
  Network network(std::move(plan));
  const NetworkOptions& options = network.plan_.options;
  ASSIGN_OR_RETURN(network.arena_,
                   AllocateAligned(network.plan_.memory.arena_bytes()));
  network.labels_.resize(static_cast<size_t>(options.max_batch));
  network.threads_.resize(network.plan_.layers.size());
  RETURN_IF_ERROR(network.BindLayers());
  network.FindRegularized();
  // Until it is told of weights, an operator that could not be made live
  // computes with the numbers that its packing was tried with.
  network.WeightsChanged();
  // The largest batch comes first, so that an operator that cannot be shaped
  // for it fails here and not in a step.
  RETURN_IF_ERROR(network.SetBatch(options.max_batch));
  return network;
}

// A layer knows its tensors by pointers from here on, so a network may move but
// its arena may not. Layers that work in place get one pointer for x and y.
Status Network::BindLayers() {
  for (const PlannedLayer& layer : plan_.layers) {
    const NodeSpec& node = layer.node;
    LayerTensors tensors;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      tensors.x.push_back(Floats(TensorsOf(node.inputs[i]).value));
      tensors.dx.push_back(Floats(layer.dx[i]));
    }
    tensors.y = Floats(TensorsOf(node.output).value);
    tensors.dy = Floats(TensorsOf(node.output).grad);
    for (const int param : node.params) {
      const auto index = static_cast<size_t>(param);
      tensors.params.push_back(ParamValues(index).data());
      const bool is_stored = param_specs()[index].trainable &&
                             plan_.params.offsets[index] < std::ssize(grads());
      tensors.grads.push_back(is_stored ? ParamPart(grads(), index).data()
                                        : nullptr);
    }
    RETURN_IF_ERROR(node.layer->Bind(tensors, arena()));
  }
  return {};
}

// This is done once, so that no step goes through all parameters for the few
// that have a penalty.
void Network::FindRegularized() {
  for (size_t i = 0; i < param_specs().size(); ++i) {
    const float l2 = param_specs()[i].l2;
    if (l2 == 0.0f) continue;
    regularized_.push_back(
        {.l2 = l2, .values = ParamValues(i), .grads = ParamPart(grads(), i)});
  }
}

float* Network::Floats(int id) const {
  return id < 0 ? nullptr : arena().Floats(id);
}

std::span<float> Network::Flat(int id) const {
  return {Floats(id), static_cast<size_t>(plan_.params.trained_size)};
}

std::span<float> Network::ParamValues(size_t param) const {
  // The optimizer goes through the trained parameters as one array, so the
  // untrained ones lie in another, with offsets of their own.
  const ParamSpec& spec = plan_.params.specs[param];
  float* const base =
      Floats(spec.trainable ? plan_.tensors.params : plan_.tensors.untrained);
  return {base + plan_.params.offsets[param],
          static_cast<size_t>(spec.shape.elements())};
}

std::span<float> Network::ParamPart(std::span<float> flat, size_t param) const {
  const ParamSpec& spec = plan_.params.specs[param];
  CHECK(spec.trainable);
  const auto begin = static_cast<size_t>(plan_.params.offsets[param]);
  const auto size = static_cast<size_t>(spec.shape.elements());
  CHECK(begin + size <= flat.size());
  return flat.subspan(begin, size);
}

// Shapes are checked once more here, since a tensor of another size would write
// over its neighbours in the arena.
void Network::SetWeights(const std::vector<NamedTensor>& weights) {
  CHECK(weights.size() == param_specs().size());
  for (size_t i = 0; i < weights.size(); ++i) {
    CHECK(weights[i].shape == param_specs()[i].shape);
    std::ranges::copy(weights[i].values, ParamValues(i).begin());
  }
  WeightsChanged();
}

std::vector<TensorView> Network::WeightViews() {
  std::vector<TensorView> views;
  for (size_t i = 0; i < param_specs().size(); ++i) {
    views.push_back(
        {param_specs()[i].name, param_specs()[i].shape, ParamValues(i)});
  }
  return views;
}

void Network::WeightsChanged() {
  for (const PlannedLayer& layer : plan_.layers) {
    layer.node.layer->WeightsChanged();
  }
}

// Running statistics count too: a NaN in them spoils validation alone.
bool Network::WeightsAreFinite() const {
  for (size_t i = 0; i < param_specs().size(); ++i) {
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::ranges::all_of(ParamValues(i), finite)) return false;
  }
  return true;
}

void Network::ClearTensors() {
  std::fill_n(arena_.get(), plan_.memory.arena_bytes(), std::byte{0});
  // An operator that could not be made live keeps its packed weights outside
  // the arena.
  WeightsChanged();
}

// The pool of one thread runs everything on the caller's and wakes nobody.
ThreadPool& Network::pool(Threads threads) const {
  switch (threads) {
    case Threads::kOne:
      return *one_thread_;
    case Threads::kAll:
      return *plan_.context.pool;
  }
  std::unreachable();
}

void Network::UseThreads(std::vector<LayerThreads> threads) {
  CHECK(threads.size() == plan_.layers.size());
  threads_ = std::move(threads);
  // Operators that could be shaped for this batch once can be again.
  CHECK(ShapeLayers().has_value());
}

Status Network::SetBatch(int64_t batch) {
  CHECK(batch >= 1 && batch <= plan_.options.max_batch);
  // Only an epoch's last, smaller batch and the one after it change the shape.
  if (batch == batch_) return {};
  batch_ = batch;
  return ShapeLayers();
}

Status Network::ShapeLayers() {
  for (size_t i = 0; i < plan_.layers.size(); ++i) {
    RETURN_IF_ERROR(plan_.layers[i].node.layer->SetBatch(
        batch_, {.forward = &pool(threads_[i].forward),
                 .backward = &pool(threads_[i].backward)}));
  }
  return {};
}

void Network::Forward(const ForwardContext& context) {
  for (const PlannedLayer& layer : plan_.layers) {
    layer.node.layer->Forward(context);
  }
}

LossTensors Network::TensorsOfLoss() const {
  return {.outputs = outputs(),
          .labels = labels_.data(),
          .targets = Floats(plan_.tensors.targets),
          .output_grads = Floats(TensorsOf(plan_.output).grad),
          .batch = batch_,
          .size = output_size()};
}

BatchScore Network::ScoreOutputs() {
  const Kernels& kernels = *plan_.context.kernels;
  // Keras counts the penalties in the loss that it reports, and so does this.
  BatchScore score = batchsweep::ScoreOutputs(loss(), TensorsOfLoss(), kernels);
  AddPenalties(regularized_, batch_, kernels, score);
  return score;
}

void Network::Backward() {
  CHECK(plan_.params.grads_size == plan_.params.trained_size);
  RunBackward([](Layer& layer) { layer.Backward(); }, nullptr);
}

void Network::BackwardAndUpdate(const WeightUpdate& update,
                                GradientNorms* norms) {
  RunBackward([&](Layer& layer) { layer.BackwardAndUpdate(update); }, norms);
}

template <class LayerBackward>
void Network::RunBackward(const LayerBackward& backward, GradientNorms* norms) {
  const Kernels& kernels = *plan_.context.kernels;
  OutputGradient(loss(), TensorsOfLoss(), kernels);
  for (size_t i = plan_.layers.size(); i-- > 0;) {
    const bool in_scope =
        norms != nullptr && AddShareSquares(plan_.layers[i], *norms);
    backward(*plan_.layers[i].node.layer);
    // Here, and not behind all layers, since penalties are not yet in them.
    if (in_scope) AddMeanSquares(plan_.layers[i], *norms);
    // Its gradients are added at once: the memory of one that is written beside
    // another is planned for this moment only, and may be others' in the next.
    AddInputGradients(plan_.layers[i]);
  }
  // Layers overwrite their parameters' gradients, so penalties come last.
  AddPenaltyGradients(regularized_, kernels);
}

// Returns whether the layer has parameters in scope.
bool Network::AddShareSquares(const PlannedLayer& layer,
                              GradientNorms& norms) const {
  const int64_t start_ns = MonotonicNs();
  const auto squares = layer.node.layer->ShareSquares(norms.scope);
  norms.share_squares += squares.value_or(0.0);
  norms.time_ns += MonotonicNs() - start_ns;
  return squares.has_value();
}

void Network::AddMeanSquares(const PlannedLayer& layer, GradientNorms& norms) {
  CHECK(!layer.node.layer->FusesUpdate());
  const int64_t start_ns = MonotonicNs();
  for (const int param : layer.node.params) {
    const auto grad = ParamPart(grads(), static_cast<size_t>(param));
    norms.mean_square += plan_.context.kernels->sum_of_squares(
        grad.data(), static_cast<int64_t>(grad.size()));
  }
  norms.time_ns += MonotonicNs() - start_ns;
}

// Where several layers read one value, the last of them wrote its gradient in
// place on the way back; the others' shares are added here, always in the same
// order, so that a step has the same bits each time.
void Network::AddInputGradients(const PlannedLayer& layer) {
  for (size_t i = 0; i < layer.dx.size(); ++i) {
    if (layer.dx_places[i] != DxPlace::kBeside) continue;
    const int input = layer.node.inputs[i];
    plan_.context.kernels->add(Floats(layer.dx[i]),
                               batch_ * ValueOf(input).size,
                               Floats(TensorsOf(input).grad));
  }
}

}  // namespace batchsweep
