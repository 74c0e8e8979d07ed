// NetworkPlan: a model as a network, before any memory is taken: the layers in
// order with their XNNPACK operators, where each parameter lies, and which
// tensors of a step need memory, when, and where in the arena.
//
// A plan says what training takes; Network::Allocate() makes a plan run.
#ifndef BATCHSWEEP_GRAPH_NETWORK_PLAN_H_
#define BATCHSWEEP_GRAPH_NETWORK_PLAN_H_

#include <cstdint>
#include <vector>

#include "graph/buffer_plan.h"
#include "graph/layer.h"
#include "graph/memory_planner.h"
#include "graph/network_builder.h"
#include "model/loss.h"
#include "model/model_spec.h"
#include "platform/error.h"

namespace batchsweep {

struct NetworkOptions {
  int64_t max_batch = 1;
  int optimizer_slots = 0;  // tensors of the size of all trained weights
  Loss loss = Loss::kSparseCategoricalCrossentropy;
  bool lean = false;           // less memory, see PlanContext
  uint64_t seed = 1;           // of dropout
  bool fuses_updates = false;  // see BuildOptions
};

// Where the model's parameters lie, in floats: the trained ones one behind
// another in a flat array, which weights, gradients and each slot of the
// optimizer have alike; the untrained ones in an array of their own. Those
// whose gradient is not stored come last, so that the gradients' array is just
// shorter. Every parameter begins at a multiple of 64 bytes.
struct ParamPlaces {
  std::vector<ParamSpec> specs;  // ModelParams()
  std::vector<int64_t> offsets;  // of each, in the array that it lies in
  int64_t trained_size = 0;      // of the arrays, padding included
  int64_t grads_size = 0;        // of the gradients' array
  int64_t untrained_size = 0;
};
// `fused` holds the indexes of those whose gradient is not stored.
ParamPlaces PlaceParams(std::vector<ParamSpec> specs,
                        const std::vector<int>& fused);

// Tensors by their ids in the memory planner; -1 where there is none.
struct ValueTensors {
  int value = -1;
  int grad = -1;
};
struct NetworkTensors {
  int params = -1;
  int untrained = -1;
  int grads = -1;
  std::vector<int> slots;
  std::vector<ValueTensors> values;  // by index; some share their tensors
  int targets = -1;                  // for a loss that reads targets
};

// A layer, and where it writes the gradient of each of its inputs.
struct PlannedLayer {
  NodeSpec node;
  std::vector<DxPlace> dx_places;
  std::vector<int> dx;  // the tensor of each
};

struct NetworkPlan {
  NetworkOptions options;
  ComputeContext context;
  ParamPlaces params;
  std::vector<ValueSpec> values;  // the first is the model's input
  int output = 0;                 // the value that the loss reads
  std::vector<PlannedLayer> layers;
  MemoryPlanner memory;
  NetworkTensors tensors;
  // Whether all of XNNPACK's operators take new weights in place.
  bool weights_are_live = true;
  MultiplyAdds work;  // of all products
};

// REQUIRES: CheckModel() and CheckEnd() have nothing against the model; what
// `context` points to outlives the plan. An error if a layer is too large for
// its operators.
Result<NetworkPlan> PlanNetwork(const ModelSpec& model,
                                const NetworkOptions& options,
                                const ComputeContext& context);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_NETWORK_PLAN_H_
