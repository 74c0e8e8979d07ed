// Which values of a network lie in the same memory, and between which moments
// of a step each has to be kept. Pure arithmetic over what the layers say of
// themselves; network_plan.h turns it into requests for memory.
#ifndef BATCHSWEEP_GRAPH_BUFFER_PLAN_H_
#define BATCHSWEEP_GRAPH_BUFFER_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace batchsweep {

// The moments of a step with `layers` layers, in order: the load, each layer
// forward, the loss, each layer backward from the last to the first, the
// update.
struct StepMoments {
  int layers = 0;
  static constexpr int kLoad = 0;
  int Forward(size_t layer) const { return 1 + static_cast<int>(layer); }
  int Loss() const { return layers + 1; }
  int Backward(size_t layer) const {
    return 2 * layers + 1 - static_cast<int>(layer);
  }
  int Update() const { return 2 * layers + 2; }
};

// A tensor between layers, (batch, size).
struct ValueSpec {
  int64_t size = 0;
  bool needs_grad = false;  // something in front of it trains
};

// What a layer does with values, which go by their indexes; see Layer.
struct LayerUse {
  std::vector<int> inputs;
  int output = 0;
  bool backward_reads_x = true;
  bool backward_reads_y = false;
  bool works_in_place = false;
};

struct ValueGraph {
  std::vector<ValueSpec> values;  // the first is the model's input
  std::vector<LayerUse> layers;   // in order of computation
  int output = 0;                 // the value that the loss reads
};

// Moments, both inclusive.
struct Lifetime {
  int first = 0;
  int last = 0;
};

// The memory of one value, or of several that never matter at one moment since
// layers work in place. A gradient has its place beside it.
struct Buffer {
  int writer = -1;  // the layer that writes it first; -1: the load does
  int64_t size = 0;
  bool needs_grad = false;
  Lifetime value;
  Lifetime grad;  // if needs_grad
};

struct BufferPlan {
  std::vector<Buffer> buffers;
  std::vector<int> buffer_of;  // by value
};

// A value is kept from when it is written to when it is read last: by the
// layers behind it, forward or, where these say so, backward; by its own
// layer's way back, where that reads y; by the loss. Its gradient is kept from
// the first that writes it, on the way back, to its own layer. A layer works in
// place where it can, where no other reads its input, and where the layer in
// front does not need that as y on the way back. REQUIRES: every value but the
// input is the output of one layer, and is read by a layer or the loss.
BufferPlan ShareBuffers(const ValueGraph& graph);

// Where a layer writes the gradient of one of its inputs.
enum class DxPlace {
  kNowhere,  // nothing in front trains
  kInPlace,  // straight to the value's gradient
  kBeside,   // to memory of its own, whence it is added to that
};

// By layer and input: the last reader of a value comes first on the way back
// and writes in place; all others' share is added.
std::vector<std::vector<DxPlace>> PlaceInputGradients(const ValueGraph& graph);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_BUFFER_PLAN_H_
