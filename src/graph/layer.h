// Layer: one step of the network's arithmetic, forward and backward.
//
// A layer's life: created from its spec; Plan() says which memory it needs;
// Bind() gives it pointers into the arena; SetBatch() shapes it for a batch;
// then Forward() and Backward() as often as wanted, neither of which allocates.
//
// Shapes: x (batch, in), y (batch, out); a gradient has the shape of what it is
// the gradient of, and dx is written "gradient of the loss by x".
#ifndef BATCHSWEEP_GRAPH_LAYER_H_
#define BATCHSWEEP_GRAPH_LAYER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "graph/memory_planner.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// When a layer's Forward() and Backward() happen, for its memory requests.
struct LayerMoments {
  int forward = 0;
  int backward = 0;
};

// What a layer reads and writes. dx is null where nothing in front trains.
struct LayerTensors {
  const float* x = nullptr;
  float* y = nullptr;
  float* dy = nullptr;  // Backward() may overwrite it
  float* dx = nullptr;
  const float* kernel = nullptr;  // layers without parameters leave these null
  const float* bias = nullptr;
  float* dkernel = nullptr;
  float* dbias = nullptr;
};

// Whom a layer computes with. Both outlive it.
struct ComputeContext {
  const Kernels* kernels = nullptr;
  ThreadPool* pool = nullptr;
};

class Layer {
 public:
  virtual ~Layer() = default;

  // Requests workspaces for batches of up to `batch`. `wants_dx` tells whether
  // Backward() will have to write dx.
  virtual Status Plan(int64_t batch, LayerMoments moments, bool wants_dx,
                      MemoryPlanner& planner) = 0;
  // REQUIRES: Plan() was called, and `arena` is laid out as planned.
  virtual void Bind(const LayerTensors& tensors, const MemoryPlanner& planner,
                    std::byte* arena) = 0;
  // REQUIRES: Bind() was called; batch is at most that of Plan().
  virtual Status SetBatch(int64_t batch) = 0;

  // y from x.
  virtual void Forward() = 0;
  // dx, dkernel and dbias from dy, after Forward() on the same x.
  virtual void Backward() = 0;

  // Whether Backward() reads y, so that it must be kept until then.
  virtual bool BackwardReadsY() const = 0;
};

// A dense layer, without its activation but for a relu that goes with adding
// the bias: DenseComputesActivation() tells.
bool DenseComputesActivation(const DenseSpec& spec);
Result<std::unique_ptr<Layer>> MakeDense(const DenseSpec& spec, int64_t in,
                                         ComputeContext context);
// REQUIRES: activation is relu, tanh or sigmoid; the others do not compute.
Result<std::unique_ptr<Layer>> MakeActivation(Activation activation,
                                              int64_t size,
                                              ComputeContext context);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_LAYER_H_
