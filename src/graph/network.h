// Network: a model on XNNPACK operators, in one planned block of memory.
//
// A step in time: load -> Forward() -> ScoreOutputs() -> Backward() -> update
// of params() from grads() -> WeightsChanged(). Weights, gradients and
// optimizer state keep their place for good; activations live until they were
// read last; gradients of activations and workspaces share what is free.
#ifndef BATCHSWEEP_GRAPH_NETWORK_H_
#define BATCHSWEEP_GRAPH_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "graph/layer.h"
#include "graph/loss.h"
#include "graph/network_plan.h"
#include "graph/threads.h"
#include "model/safetensors.h"
#include "platform/error.h"
#include "platform/memory.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

class Network {
 public:
  // Takes the arena and binds every layer to it, at the largest batch and on
  // all threads. Weights and all else are zero.
  static Result<Network> Allocate(NetworkPlan plan);

  const NetworkPlan& plan() const { return plan_; }
  const std::vector<ParamSpec>& param_specs() const {
    return plan_.params.specs;
  }
  int64_t input_size() const { return plan_.values[0].size; }
  int64_t output_size() const { return ValueOf(plan_.output).size; }
  Loss loss() const { return plan_.options.loss; }

  // Copies weights in. REQUIRES: those of ModelParams(model), in that order.
  void SetWeights(const std::vector<NamedTensor>& weights);
  // All weights in place, in the order of ModelParams(model). Whoever writes to
  // them calls WeightsChanged().
  std::vector<TensorView> WeightViews();
  // To be called after params() changed.
  void WeightsChanged();
  bool WeightsAreFinite() const;
  // Weights, optimizer slots and all else become zero.
  void ClearTensors();

  // REQUIRES: 1 <= batch <= max_batch. Costs nothing if it is the present one.
  Status SetBatch(int64_t batch);
  int64_t batch() const { return batch_; }

  // (batch, input_size), to be filled before Forward().
  float* input() { return Floats(plan_.tensors.values[0].value); }
  // What is to be learnt, to be filled before ScoreOutputs(): labels (batch)
  // for a loss that reads labels, else targets (batch, output_size).
  uint8_t* labels() { return labels_.data(); }
  float* targets() { return Floats(plan_.tensors.targets); }
  // (batch, output_size), valid between Forward() and Backward().
  const float* outputs() const { return Floats(TensorsOf(plan_.output).value); }

  void Forward(const ForwardContext& context);
  // Backward() builds on it. The loss has the kernels' regularisation in it.
  BatchScore ScoreOutputs();
  // grads() of all weights. REQUIRES: all of them are stored.
  void Backward();
  // grads() of the weights that have one, and new values of all others. Adds
  // the gradients' norms to `norms`, unless that is null. REQUIRES: norms of
  // weights whose gradient is stored.
  void BackwardAndUpdate(const WeightUpdate& update,
                         GradientNorms* norms = nullptr);

  // All trained weights and state of the optimizer's slots as flat arrays of
  // one length, aligned and padded alike; padding stays zero. The gradients'
  // array ends where the weights begin whose gradient is not stored.
  std::span<float> params() { return Flat(plan_.tensors.params); }
  std::span<float> grads() {
    return {Floats(plan_.tensors.grads),
            static_cast<size_t>(plan_.params.grads_size)};
  }
  std::span<float> optimizer_slot(int slot) {
    return Flat(plan_.tensors.slots[static_cast<size_t>(slot)]);
  }
  int optimizer_slots() const { return plan_.options.optimizer_slots; }
  // One trained parameter's part of a flat array.
  std::span<float> ParamPart(std::span<float> flat, size_t param) const;

  // The threads of each of plan().layers; all of them after Allocate().
  void UseThreads(std::vector<LayerThreads> threads);
  const std::vector<LayerThreads>& threads() const { return threads_; }
  // The pool that stands for either: one thread is the caller's.
  ThreadPool& pool(Threads threads) const;

 private:
  explicit Network(NetworkPlan plan) : plan_(std::move(plan)) {}

  Status BindLayers();
  Status ShapeLayers();
  void FindRegularized();
  template <class LayerBackward>
  void RunBackward(const LayerBackward& backward, GradientNorms* norms);
  bool AddShareSquares(const PlannedLayer& layer, GradientNorms& norms) const;
  void AddMeanSquares(const PlannedLayer& layer, GradientNorms& norms);
  void AddInputGradients(const PlannedLayer& layer);
  LossTensors TensorsOfLoss() const;

  const ValueSpec& ValueOf(int value) const {
    return plan_.values[static_cast<size_t>(value)];
  }
  const ValueTensors& TensorsOf(int value) const {
    return plan_.tensors.values[static_cast<size_t>(value)];
  }
  Arena arena() const { return {plan_.memory, arena_.get()}; }
  // Null where there is no tensor.
  float* Floats(int id) const;
  std::span<float> Flat(int id) const;
  std::span<float> ParamValues(size_t param) const;

  NetworkPlan plan_;
  AlignedBlock arena_;
  std::vector<uint8_t> labels_;  // (max_batch)
  std::vector<RegularizedKernel> regularized_;
  std::vector<LayerThreads> threads_;  // of each layer
  std::unique_ptr<ThreadPool> one_thread_ = std::make_unique<ThreadPool>(1);
  int64_t batch_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_NETWORK_H_
