#include "graph/network_plan.h"

#include <algorithm>
#include <format>
#include <string>
#include <utility>

#include "graph/arithmetic.h"
#include "platform/memory.h"

namespace batchsweep {
namespace {

// Each parameter begins at a multiple of 64 bytes, the widest vector there is
// and a line of every board's cache.
constexpr int64_t kFloatsPerLine = 64 / kFloatBytes;

int64_t RoundUpToLine(int64_t floats) {
  return (floats + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
}

// Describes the layers by what they do to values. Buffers are planned from this
// alone, so that their arithmetic can be tested without any layer.
ValueGraph GraphOf(const NetworkPlan& plan) {
  ValueGraph graph = {
      .values = plan.values, .layers = {}, .output = plan.output};
  for (const auto& [node, dx_places, dx] : plan.layers) {
    graph.layers.push_back({.inputs = node.inputs,
                            .output = node.output,
                            .backward_reads_x = node.layer->BackwardReadsX(),
                            .backward_reads_y = node.layer->BackwardReadsY(),
                            .works_in_place = node.layer->WorksInPlace()});
  }
  return graph;
}

// Requests memory for weights, gradients and the optimizer's state. They live
// from a step's first moment to its last, so that nothing is ever laid over
// them. That holds for gradients too: the optimizer passes over the padding
// between parameters, which must stay zero.
void PlanParams(const StepMoments& moments, NetworkPlan& plan) {
  const auto add = [&](std::string name, MemoryClass memory_class,
                       int64_t floats) {
    return plan.memory.Add(std::move(name), memory_class, floats * kFloatBytes,
                           StepMoments::kLoad, moments.Update());
  };
  const int64_t trained = plan.params.trained_size;
  plan.tensors.params = add("weights", MemoryClass::kWeights, trained);
  // The optimizer goes through the trained ones as one flat array, so these lie
  // apart from it.
  plan.tensors.untrained = add("running statistics", MemoryClass::kWeights,
                               plan.params.untrained_size);
  plan.tensors.grads =
      add("gradients", MemoryClass::kGradients, plan.params.grads_size);
  for (int slot = 0; slot < plan.options.optimizer_slots; ++slot) {
    plan.tensors.slots.push_back(
        add(std::format("slot {}", slot), MemoryClass::kOptimizer, trained));
  }
}

int AddValue(std::string name, MemoryClass memory_class, int64_t size,
             const Lifetime& life, NetworkPlan& plan) {
  return plan.memory.Add(std::move(name), memory_class,
                         size * plan.options.max_batch * kFloatBytes,
                         life.first, life.last);
}

// Requests memory for values, their gradients, and what the loss compares the
// outputs with. A layer in place reads and writes one buffer, so memory goes by
// buffers, and values that share one have the same tensors.
void PlanValues(const ValueGraph& graph, const StepMoments& moments,
                NetworkPlan& plan) {
  const BufferPlan shared = ShareBuffers(graph);
  std::vector<ValueTensors> tensors;
  for (const Buffer& buffer : shared.buffers) {
    const std::string name =
        buffer.writer < 0
            ? "input"
            : plan.layers[static_cast<size_t>(buffer.writer)].node.name +
                  " output";
    ValueTensors& tensor = tensors.emplace_back();
    tensor.value = AddValue(name, MemoryClass::kActivations, buffer.size,
                            buffer.value, plan);
    if (!buffer.needs_grad) continue;
    tensor.grad =
        AddValue(name + " gradient", MemoryClass::kActivationGradients,
                 buffer.size, buffer.grad, plan);
  }
  for (const int buffer : shared.buffer_of) {
    plan.tensors.values.push_back(tensors[static_cast<size_t>(buffer)]);
  }
  switch (TraitsOf(plan.options.loss).reads) {
    case GroundTruth::kLabel:
      return;  // Labels lie beside the arena, a byte for each example.
    case GroundTruth::kTargets:
      // The backward phase begins with the loss's gradient, which reads targets
      // in the same moment as the last layer's way back, one after Loss().
      plan.tensors.targets = AddValue(
          "targets", MemoryClass::kActivations,
          plan.values[static_cast<size_t>(plan.output)].size,
          {.first = StepMoments::kLoad, .last = moments.Loss() + 1}, plan);
  }
}

// Returns the tensor that a layer writes the gradient of one input to, or -1.
// One that is written beside another is added to it right after the layer's way
// back, and so lives for that moment only.
int PlanDx(const NodeSpec& node, int input, DxPlace place, int moment,
           NetworkPlan& plan) {
  const auto value = static_cast<size_t>(input);
  switch (place) {
    case DxPlace::kNowhere:
      return -1;
    case DxPlace::kInPlace:
      return plan.tensors.values[value].grad;
    case DxPlace::kBeside:
      return AddValue(
          node.name + "/dx to be added", MemoryClass::kActivationGradients,
          plan.values[value].size, {.first = moment, .last = moment}, plan);
  }
  std::unreachable();
}

// Requests what each layer needs beside its values. It goes from the last layer
// to the first, as the way back does. The order matters: of equally large
// tensors, the one that is requested first gets the lower place.
Status PlanLayers(const ValueGraph& graph, const StepMoments& moments,
                  NetworkPlan& plan) {
  const auto dx_places = PlaceInputGradients(graph);
  for (size_t i = plan.layers.size(); i-- > 0;) {
    auto& [node, places, dx] = plan.layers[i];
    places = dx_places[i];
    bool wants_dx = false;
    for (size_t j = 0; j < places.size(); ++j) {
      wants_dx |= places[j] != DxPlace::kNowhere;
      dx.push_back(
          PlanDx(node, node.inputs[j], places[j], moments.Backward(i), plan));
    }
    RETURN_IF_ERROR(node.layer->Plan({.max_batch = plan.options.max_batch,
                                      .forward = moments.Forward(i),
                                      .backward = moments.Backward(i),
                                      .end = moments.Update(),
                                      .wants_dx = wants_dx,
                                      .lean = plan.options.lean,
                                      .planner = plan.memory}));
  }
  return {};
}

// Creating operators takes memory for each weight already, so a model that
// could never train here is refused before.
Status CheckRoomForWeights(const ModelSpec& model) {
  const auto room = AvailableMemoryBytes();
  const ParamPlaces params = PlaceParams(ModelParams(model), /*fused=*/{});
  const int64_t bytes =
      (2 * params.trained_size + params.untrained_size) * kFloatBytes;
  if (!room || bytes <= *room) return {};
  return Fail(
      "the model's weights and their gradients take {} bytes, this machine has "
      "{} free; choose a smaller model",
      bytes, *room);
}

}  // namespace

ParamPlaces PlaceParams(std::vector<ParamSpec> specs,
                        const std::vector<int>& fused) {
  ParamPlaces places = {.specs = std::move(specs)};
  places.offsets.resize(places.specs.size());
  const auto place = [&](size_t param, int64_t& size) {
    places.offsets[param] = size;
    size += RoundUpToLine(places.specs[param].shape.elements());
  };
  for (size_t i = 0; i < places.specs.size(); ++i) {
    if (std::ranges::contains(fused, static_cast<int>(i))) continue;
    place(i, places.specs[i].trainable ? places.grads_size
                                       : places.untrained_size);
  }
  places.trained_size = places.grads_size;
  for (const int param : fused) {
    place(static_cast<size_t>(param), places.trained_size);
  }
  return places;
}

Result<NetworkPlan> PlanNetwork(const ModelSpec& model,
                                const NetworkOptions& options,
                                const ComputeContext& context) {
  NetworkPlan plan;
  plan.options = options;
  plan.context = context;
  RETURN_IF_ERROR(CheckRoomForWeights(model));
  ASSIGN_OR_RETURN(
      NetworkSpec spec,
      BuildNetwork(
          model, {.seed = options.seed, .fuses_updates = options.fuses_updates},
          context));
  plan.values = std::move(spec.values);
  plan.output = spec.output;
  std::vector<int> fused;
  for (NodeSpec& node : spec.nodes) {
    // An operator has tried its map of packed weights when it was created, so
    // the plan can tell before the first step whether all maps hold.
    plan.weights_are_live &= !node.layer->RecreatesOperators();
    plan.work += node.layer->Work();
    if (node.layer->FusesUpdate()) fused.push_back(node.params.front());
    plan.layers.push_back({.node = std::move(node), .dx_places = {}, .dx = {}});
  }
  plan.params = PlaceParams(ModelParams(model), fused);
  const StepMoments moments{static_cast<int>(plan.layers.size())};
  const ValueGraph graph = GraphOf(plan);
  PlanParams(moments, plan);
  PlanValues(graph, moments, plan);
  RETURN_IF_ERROR(PlanLayers(graph, moments, plan));
  plan.memory.Plan();
  return plan;
}

}  // namespace batchsweep
