// Operation: one product of a layer in one direction, such as a convolution's
// output or its gradient by the kernel. Several bodies can compute it, each a
// small class: an XNNPACK operator, or kernels of ours that read tensors as
// they lie. A layer owns one body for each of its products.
//
// An operation's life is that of its layer: Plan() says which memory it needs;
// Bind() gives it pointers; SetBatch() shapes it; then Run() as often as wanted
// and WeightsChanged() after each change of the parameters. None of the last
// three allocates, unless the operation has to create its operator anew.
#ifndef BATCHSWEEP_GRAPH_OPERATION_H_
#define BATCHSWEEP_GRAPH_OPERATION_H_

#include <cstdint>

#include "graph/layer.h"
#include "platform/error.h"

namespace batchsweep {

// Consecutive examples of a batch, and where their part of each tensor begins.
// What an operation has no use for may be null.
struct ExampleSlice {
  int64_t first = 0;  // 0 begins a pass over the batch
  int64_t count = 0;
  const float* x = nullptr;
  float* y = nullptr;
  const float* dy = nullptr;
  float* dx = nullptr;
  const WeightUpdate* update = nullptr;  // for a body that fuses it
};

// `base` moved on by `floats`; stays null where there is no tensor.
inline float* Part(float* base, int64_t floats) {
  return base == nullptr ? nullptr : base + floats;
}

class Operation {
 public:
  virtual ~Operation() = default;

  // Requests its memory for slices of at most `examples`.
  virtual Status Plan(const PlanContext& context, int64_t examples) = 0;
  // Takes the layer's parameters and their gradients, and its own memory.
  // REQUIRES: Plan() was called, and `arena` is laid out as planned.
  virtual void Bind(const LayerTensors& tensors, const Arena& arena) = 0;
  // A pass is over `batch` examples, in slices of `slice` each; the last one
  // may be smaller.
  virtual Status SetBatch(int64_t batch, int64_t slice, ThreadPool& pool) = 0;
  // Computes a slice. A pass' slices come in order; sums over the batch begin
  // at zero with the first and are there after the last.
  virtual void Run(const ExampleSlice& slice) = 0;
  // Takes over changed parameters.
  virtual void WeightsChanged() {}

  // Floats of scratch that each example of a slice takes; 0 where slices make
  // no difference.
  virtual int64_t scratch_floats() const { return 0; }
  // See Layer.
  virtual bool RecreatesOperators() const { return false; }
  virtual bool FusesUpdate() const { return false; }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_OPERATION_H_
