#include "graph/network.h"

#include <algorithm>
#include <cmath>
#include <format>

#include "graph/arithmetic.h"
#include "graph/fastest_pool.h"
#include "platform/clock.h"
#include "util/check.h"

namespace batchsweep {
namespace {

constexpr int64_t kFloatsPerLine = 64 / kFloatBytes;

int64_t RoundUpToLine(int64_t floats) {
  return (floats + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
}

// Moments of a step, in order: 0 load, 1..n forward, n + 1 loss, n + 2 .. 2n +
// 1 backward from the last layer to the first, 2n + 2 update.
struct Moments {
  int layers;
  int Forward(size_t layer) const { return 1 + static_cast<int>(layer); }
  int Loss() const { return layers + 1; }
  int Backward(size_t layer) const {
    return 2 * layers + 1 - static_cast<int>(layer);
  }
  int Update() const { return 2 * layers + 2; }
};

}  // namespace

Result<Network> Network::Create(const ModelSpec& model, Options options,
                                ComputeContext context) {
  Network network;
  network.options_ = options;
  network.context_ = context;
  network.serial_ = std::make_unique<ThreadPool>(1);
  network.planner_ = std::make_unique<MemoryPlanner>();
  network.param_specs_ = ModelParams(model);
  network.PlaceParams();
  ASSIGN_OR_RETURN(NetworkSpec spec,
                   BuildNetwork(model, options.seed, context));
  network.values_ = std::move(spec.values);
  network.output_value_ = spec.output;
  network.output_size_ = network.values_[static_cast<size_t>(spec.output)].size;
  for (NodeSpec& node : spec.nodes) {
    network.weights_are_live_ &= !node.layer->RecreatesOperators();
    const LayerPools all = {context.pool, context.pool};
    network.nodes_.push_back(
        {.spec = std::move(node), .pools = all, .fastest = all});
  }
  RETURN_IF_ERROR(network.PlanMemory());
  return network;
}

void Network::PlaceParams() {
  for (const ParamSpec& param : param_specs_) {
    int64_t& size = param.trainable ? flat_size_ : untrained_size_;
    param_offsets_.push_back(size);
    size += RoundUpToLine(param.shape.elements());
  }
}

// Decides which values lie in the same memory, and when each is needed.
void Network::ShareBuffers() {
  const Moments moments{static_cast<int>(nodes_.size())};
  std::vector<std::vector<size_t>> readers(values_.size());
  std::vector<const Node*> writer(values_.size(), nullptr);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (const int input : nodes_[i].spec.inputs) {
      readers[static_cast<size_t>(input)].push_back(i);
    }
    writer[static_cast<size_t>(nodes_[i].spec.output)] = &nodes_[i];
  }
  const auto add_buffer = [&](size_t value) {
    buffers_.push_back({.name = writer[value] == nullptr
                                    ? "input"
                                    : writer[value]->spec.name + " output",
                        .size = values_[value].size,
                        .grad_first = INT32_MAX});
    return static_cast<int>(buffers_.size()) - 1;
  };
  const auto needed = [&](size_t value) -> Buffer& {
    return buffers_[static_cast<size_t>(buffer_of_[value])];
  };
  buffer_of_.assign(values_.size(), -1);
  buffer_of_[0] = add_buffer(0);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const NodeSpec& node = nodes_[i].spec;
    const auto in = static_cast<size_t>(node.inputs[0]);
    const auto out = static_cast<size_t>(node.output);
    const bool in_place = node.layer->WorksInPlace() && writer[in] != nullptr &&
                          !writer[in]->spec.layer->BackwardReadsY() &&
                          readers[in].size() == 1;
    buffer_of_[out] = in_place ? buffer_of_[in] : add_buffer(out);
    if (!in_place) needed(out).first = moments.Forward(i);
  }
  for (size_t value = 0; value < values_.size(); ++value) {
    Buffer& buffer = needed(value);
    buffer.needs_grad |= values_[value].needs_grad;
    const auto until = [&](int moment) {
      buffer.last = std::max(buffer.last, moment);
    };
    for (const size_t reader : readers[value]) {
      until(nodes_[reader].spec.layer->BackwardReadsX()
                ? moments.Backward(reader)
                : moments.Forward(reader));
      buffer.grad_first = std::min(buffer.grad_first, moments.Backward(reader));
    }
    if (static_cast<int>(value) == output_value_) {
      until(moments.Loss());
      buffer.grad_first = std::min(buffer.grad_first, moments.Loss());
    }
    if (writer[value] == nullptr) continue;
    const auto i = static_cast<size_t>(writer[value] - nodes_.data());
    until(moments.Forward(i));
    if (writer[value]->spec.layer->BackwardReadsY()) until(moments.Backward(i));
    buffer.grad_last = std::max(buffer.grad_last, moments.Backward(i));
  }
}

Status Network::PlanMemory() {
  const Moments moments{static_cast<int>(nodes_.size())};
  const int end = moments.Update();
  MemoryPlanner& planner = *planner_;
  const auto add_flat = [&](std::string name, MemoryClass memory_class,
                            int64_t floats) {
    return planner.Add(std::move(name), memory_class, floats * kFloatBytes, 0,
                       end);
  };
  params_id_ = add_flat("weights", MemoryClass::kWeights, flat_size_);
  untrained_id_ =
      add_flat("running statistics", MemoryClass::kWeights, untrained_size_);
  grads_id_ = add_flat("gradients", MemoryClass::kGradients, flat_size_);
  for (int slot = 0; slot < options_.optimizer_slots; ++slot) {
    slot_ids_.push_back(add_flat(std::format("slot {}", slot),
                                 MemoryClass::kOptimizer, flat_size_));
  }

  const int64_t row_bytes = options_.max_batch * kFloatBytes;
  ShareBuffers();
  for (Buffer& buffer : buffers_) {
    buffer.id = planner.Add(buffer.name, MemoryClass::kActivations,
                            buffer.size * row_bytes, buffer.first, buffer.last);
    if (!buffer.needs_grad) continue;
    buffer.grad_id = planner.Add(
        buffer.name + " gradient", MemoryClass::kActivationGradients,
        buffer.size * row_bytes, buffer.grad_first, buffer.grad_last);
  }
  if (TraitsOf(options_.loss).reads == GroundTruth::kTargets) {
    targets_id_ = planner.Add("targets", MemoryClass::kActivations,
                              output_size_ * row_bytes, 0, moments.Loss() + 1);
  }
  RETURN_IF_ERROR(PlanNodes());
  const auto output = static_cast<size_t>(output_value_);
  input_id_ = buffers_[0].id;
  outputs_id_ = buffers_[static_cast<size_t>(buffer_of_[output])].id;
  output_grads_id_ = buffers_[static_cast<size_t>(buffer_of_[output])].grad_id;
  planner.Plan();
  return {};
}

// Where each layer writes its dx: the last reader of a value, first on the way
// back, straight to the value's gradient; others beside it, to be added.
Status Network::PlanNodes() {
  const Moments moments{static_cast<int>(nodes_.size())};
  std::vector<bool> written(values_.size(), false);
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    bool wants_dx = false;
    for (const int input : node.spec.inputs) {
      const auto value = static_cast<size_t>(input);
      if (!values_[value].needs_grad) {
        node.dx_ids.push_back(-1);
        node.adds.push_back(false);
        continue;
      }
      wants_dx = true;
      node.adds.push_back(written[value]);
      node.dx_ids.push_back(
          written[value]
              ? planner_->Add(
                    node.spec.name + "/dx to be added",
                    MemoryClass::kActivationGradients,
                    values_[value].size * options_.max_batch * kFloatBytes,
                    moments.Backward(i), moments.Backward(i))
              : buffers_[static_cast<size_t>(buffer_of_[value])].grad_id);
      written[value] = true;
    }
    RETURN_IF_ERROR(node.spec.layer->Plan({.max_batch = options_.max_batch,
                                           .forward = moments.Forward(i),
                                           .backward = moments.Backward(i),
                                           .end = moments.Update(),
                                           .wants_dx = wants_dx,
                                           .lean = options_.lean,
                                           .planner = *planner_}));
  }
  return {};
}

Status Network::Allocate() {
  ASSIGN_OR_RETURN(arena_, AllocateAligned(planner_->arena_bytes()));
  arena_view_ = Arena(*planner_, arena_.get());
  labels_.resize(static_cast<size_t>(options_.max_batch));
  RETURN_IF_ERROR(Bind());
  for (size_t i = 0; i < param_specs_.size(); ++i) {
    const float l2 = param_specs_[i].l2;
    if (l2 == 0.0f) continue;
    regularized_.push_back(
        {.l2 = l2, .values = ParamValues(i), .grads = ParamPart(grads(), i)});
  }
  WeightsChanged();
  RETURN_IF_ERROR(SetBatch(options_.max_batch));
  return context_.pool->threads() > 1 ? Calibrate() : Status();
}

Status Network::Bind() {
  for (Node& node : nodes_) {
    const auto floats = [&](int id) {
      return id < 0 ? nullptr : arena_view_.Floats(id);
    };
    const auto buffer = [&](int value) -> const Buffer& {
      return buffers_[static_cast<size_t>(
          buffer_of_[static_cast<size_t>(value)])];
    };
    LayerTensors tensors;
    for (size_t i = 0; i < node.spec.inputs.size(); ++i) {
      tensors.x.push_back(floats(buffer(node.spec.inputs[i]).id));
      tensors.dx.push_back(floats(node.dx_ids[i]));
    }
    tensors.y = floats(buffer(node.spec.output).id);
    tensors.dy = floats(buffer(node.spec.output).grad_id);
    for (const int param : node.spec.params) {
      const auto index = static_cast<size_t>(param);
      tensors.params.push_back(ParamValues(index).data());
      tensors.grads.push_back(param_specs_[index].trainable
                                  ? Floats(grads_id_) + param_offsets_[index]
                                  : nullptr);
    }
    RETURN_IF_ERROR(node.spec.layer->Bind(tensors, arena_view_));
  }
  return {};
}

std::span<float> Network::ParamValues(size_t param) const {
  const ParamSpec& spec = param_specs_[param];
  float* const base = Floats(spec.trainable ? params_id_ : untrained_id_);
  return {base + param_offsets_[param],
          static_cast<size_t>(spec.shape.elements())};
}

void Network::SetWeights(const std::vector<NamedTensor>& weights) {
  CHECK(weights.size() == param_specs_.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    CHECK(weights[i].shape == param_specs_[i].shape);
    std::ranges::copy(weights[i].values, ParamValues(i).begin());
  }
  WeightsChanged();
}

std::vector<NamedTensor> Network::Weights() const {
  std::vector<NamedTensor> weights;
  for (size_t i = 0; i < param_specs_.size(); ++i) {
    const auto part = ParamValues(i);
    weights.push_back({.name = param_specs_[i].name,
                       .shape = param_specs_[i].shape,
                       .values = {part.begin(), part.end()}});
  }
  return weights;
}

void Network::WeightsChanged() {
  for (Node& node : nodes_) node.spec.layer->WeightsChanged();
}

bool Network::WeightsAreFinite() const {
  for (size_t i = 0; i < param_specs_.size(); ++i) {
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::ranges::all_of(ParamValues(i), finite)) return false;
  }
  return true;
}

std::span<float> Network::ParamPart(std::span<float> flat, size_t param) const {
  CHECK(param_specs_[param].trainable);
  return flat.subspan(
      static_cast<size_t>(param_offsets_[param]),
      static_cast<size_t>(param_specs_[param].shape.elements()));
}

Status Network::SetBatch(int64_t batch) {
  CHECK(batch >= 1 && batch <= options_.max_batch);
  if (batch == batch_) return {};
  batch_ = batch;
  return ApplyBatch();
}

Status Network::ApplyBatch() {
  for (Node& node : nodes_) {
    RETURN_IF_ERROR(node.spec.layer->SetBatch(batch_, node.pools));
  }
  return {};
}

// With the largest batch and whatever numbers are in the arena: the time of no
// operation depends on them.
Status Network::Calibrate() {
  for (Node& node : nodes_) {
    Layer& layer = *node.spec.layer;
    const auto faster = [&](bool forward) -> Result<ThreadPool*> {
      Status status;
      ThreadPool* pool = FasterPool(
          *serial_, *context_.pool,
          [&](ThreadPool& p) {
            if (status)
              status = layer.SetBatch(batch_, {.forward = &p, .backward = &p});
          },
          [&] {
            if (forward) {
              layer.Forward({.training = true});
            } else {
              layer.Backward();
            }
          });
      RETURN_IF_ERROR(status);
      return pool;
    };
    ASSIGN_OR_RETURN(node.pools.forward, faster(true));
    ASSIGN_OR_RETURN(node.pools.backward, faster(false));
    node.fastest = node.pools;
  }
  ClearTensors();
  return ApplyBatch();
}

void Network::ClearTensors() {
  std::fill_n(arena_.get(), planner_->arena_bytes(), std::byte{0});
  WeightsChanged();
}

void Network::UseThreads(LayerThreads threads) {
  const LayerPools one = {serial_.get(), serial_.get()};
  for (Node& node : nodes_) {
    switch (threads) {
      case LayerThreads::kOne:
        node.pools = one;
        break;
      case LayerThreads::kFastest:
        node.pools = node.fastest;
        break;
    }
  }
  // What was shaped for this batch once can be again.
  CHECK(ApplyBatch().has_value());
}

std::vector<Network::LayerTime> Network::TimeLayers(int rounds) {
  std::vector<LayerTime> times(nodes_.size());
  const auto time = [](int64_t& best_ns, const auto& run) {
    const int64_t start_ns = MonotonicNs();
    run();
    best_ns = std::min(best_ns, MonotonicNs() - start_ns);
  };
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      Layer& layer = *nodes_[i].spec.layer;
      times[i].name = nodes_[i].spec.name;
      time(times[i].forward_ns, [&] { layer.Forward({.training = true}); });
    }
    ScoreOutputs();
    for (size_t i = nodes_.size(); i-- > 0;) {
      Layer& layer = *nodes_[i].spec.layer;
      time(times[i].backward_ns, [&] { layer.Backward(); });
      time(times[i].refresh_ns, [&] { layer.WeightsChanged(); });
    }
  }
  return times;
}

void Network::UseAllThreads() {
  for (Node& node : nodes_) node.pools = {context_.pool, context_.pool};
  batch_ = 0;
}

void Network::Forward(const ForwardContext& context) {
  for (Node& node : nodes_) node.spec.layer->Forward(context);
}

LossTensors Network::TensorsOfLoss() const {
  return {.outputs = outputs(),
          .labels = labels_.data(),
          .targets = targets_id_ < 0 ? nullptr : Floats(targets_id_),
          .output_grads = Floats(output_grads_id_),
          .batch = batch_,
          .size = output_size_};
}

BatchScore Network::ScoreOutputs() {
  BatchScore score = batchsweep::ScoreOutputs(options_.loss, TensorsOfLoss(),
                                              *context_.kernels);
  AddPenalties(regularized_, batch_, *context_.kernels, score);
  return score;
}

void Network::Backward() {
  const Kernels& kernels = *context_.kernels;
  OutputGradient(options_.loss, TensorsOfLoss(), kernels);
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    node.spec.layer->Backward();
    for (size_t j = 0; j < node.adds.size(); ++j) {
      if (!node.adds[j]) continue;
      const auto value = static_cast<size_t>(node.spec.inputs[j]);
      const Buffer& buffer = buffers_[static_cast<size_t>(buffer_of_[value])];
      kernels.add(Floats(node.dx_ids[j]), batch_ * values_[value].size,
                  Floats(buffer.grad_id));
    }
  }
  AddPenaltyGradients(regularized_, kernels);
}

}  // namespace batchsweep
