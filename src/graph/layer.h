// Layer: one step of the network's arithmetic, forward and backward.
//
// A layer's life: created from its spec; Plan() says which memory it needs;
// Bind() gives it pointers into the arena; SetBatch() shapes it for a batch;
// then Forward() and Backward() as often as wanted, and WeightsChanged() after
// each change of its parameters. None of the last three allocates.
//
// Shapes: x (batch, in), y (batch, out), images (N, H, W, C); a gradient has
// the shape of what it is the gradient of, and dx is written "gradient of the
// loss by x".
#ifndef BATCHSWEEP_GRAPH_LAYER_H_
#define BATCHSWEEP_GRAPH_LAYER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "graph/gradient_norms.h"
#include "graph/kernel_choice.h"
#include "graph/memory_planner.h"
#include "kernels/kernels.h"
#include "model/model_spec.h"
#include "platform/error.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

class KernelChooser;
class WeightUpdate;

// Whom a network computes with. All outlive it; the chooser is asked only while
// its layers are created.
struct ComputeContext {
  const Kernels* kernels = nullptr;
  ThreadPool* pool = nullptr;
  KernelChooser* chooser = nullptr;  // null: ours wherever there is one
};

// What Plan() may know and asks of.
struct PlanContext {
  int64_t max_batch = 1;
  // When Forward() and Backward() happen, and the step's end, for requests.
  int forward = 0;
  int backward = 0;
  int end = 0;
  bool wants_dx = false;  // whether Backward() will have to write any dx
  bool lean = false;      // rather pack again than keep copies of weights
  MemoryPlanner& planner;
};

// The planned memory. Ids are the planner's.
class Arena {
 public:
  Arena() = default;
  Arena(const MemoryPlanner& planner, std::byte* base)
      : planner_(&planner), base_(base) {}
  std::byte* At(int id) const {
    return base_ + planner_->tensors()[static_cast<size_t>(id)].offset;
  }
  float* Floats(int id) const { return reinterpret_cast<float*>(At(id)); }

 private:
  const MemoryPlanner* planner_ = nullptr;
  std::byte* base_ = nullptr;
};

// What a layer reads and writes. A dx is null where nothing in front trains.
struct LayerTensors {
  std::vector<const float*> x;  // one for each input
  float* y = nullptr;
  float* dy = nullptr;  // Backward() may overwrite it
  std::vector<float*> dx;
  // In the order of ModelParams(). Null is the gradient of one that does not
  // train, and of one whose gradient is not stored, see Layer::FusesUpdate().
  std::vector<float*> params;
  std::vector<float*> grads;
};

// Threads for each direction; one pool or both may be a pool of one thread.
struct LayerPools {
  ThreadPool* forward = nullptr;
  ThreadPool* backward = nullptr;
};

// Which step Forward() belongs to.
struct ForwardContext {
  bool training = false;  // else inference: running statistics, no dropout
  int64_t step = 0;       // of training, for dropout's draws
};

class Layer {
 public:
  virtual ~Layer() = default;

  // Requests its memory. A layer that cannot work in any is an error.
  virtual Status Plan(const PlanContext& context) = 0;
  // REQUIRES: Plan() was called, and `arena` is laid out as planned.
  virtual Status Bind(const LayerTensors& tensors, const Arena& arena) = 0;
  // REQUIRES: Bind() was called; batch is at most that of Plan().
  virtual Status SetBatch(int64_t batch, const LayerPools& pools) = 0;

  // y from x.
  virtual void Forward(const ForwardContext& context) = 0;
  // dx and grads from dy, after Forward() in training on the same x.
  virtual void Backward() = 0;
  // The squares of each example's share in the gradients of the parameters,
  // summed over the batch: see graph/gradient_norms.h. To be called before
  // Backward(), which it leaves with the same result. Absent where the layer
  // has none in scope.
  virtual std::optional<double> ShareSquares(NoiseScope) { return {}; }
  // As Backward(), but where FusesUpdate() the first parameter is updated at
  // once.
  virtual void BackwardAndUpdate(const WeightUpdate&) { Backward(); }
  // Takes over changed parameters.
  virtual void WeightsChanged() {}

  // What Backward() reads beside dy, and must be kept until then.
  virtual bool BackwardReadsX() const { return true; }
  virtual bool BackwardReadsY() const { return false; }
  // Whether y may lie where x does, and dx where dy does.
  virtual bool WorksInPlace() const { return false; }
  // Whether an XNNPACK operator's packed weights could not be rewritten in
  // place, so that it is created anew at each step.
  virtual bool RecreatesOperators() const { return false; }
  // Whether its first parameter's gradient is not stored: then Backward() must
  // not be called.
  virtual bool FusesUpdate() const { return false; }
  // Of its products.
  virtual MultiplyAdds Work() const { return {}; }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_LAYER_H_
