// Network: a model on XNNPACK operators, in one planned block of memory.
//
// A step in time: load -> Forward() -> ScoreOutputs() -> Backward() -> update
// of params() from grads() -> WeightsChanged(). Weights, gradients and
// optimizer state keep their place for good; activations live until they were
// read last; gradients of activations and workspaces share what is free.
#ifndef BATCHSWEEP_GRAPH_NETWORK_H_
#define BATCHSWEEP_GRAPH_NETWORK_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/fastest_pool.h"
#include "graph/layer.h"
#include "graph/loss.h"
#include "graph/memory_planner.h"
#include "graph/network_builder.h"
#include "model/loss.h"
#include "model/model_spec.h"
#include "model/safetensors.h"
#include "platform/error.h"
#include "platform/memory.h"

namespace batchsweep {

class Network {
 public:
  struct Options {
    int64_t max_batch = 1;
    int optimizer_slots = 0;  // tensors of the size of all trained weights
    Loss loss = Loss::kSparseCategoricalCrossentropy;
    bool lean = false;  // less memory, see PlanContext
    uint64_t seed = 1;  // of dropout
  };

  // Plans the memory and creates the operators; takes no memory for tensors.
  static Result<Network> Create(const ModelSpec& model, Options options,
                                ComputeContext context);

  const MemoryPlanner& planner() const { return *planner_; }
  int64_t input_size() const { return values_[0].size; }
  int64_t output_size() const { return output_size_; }
  Loss loss() const { return options_.loss; }
  // Whether all of XNNPACK's operators take new weights in place.
  bool weights_are_live() const { return weights_are_live_; }

  // Takes the arena, binds every layer and, with several threads, times what is
  // faster on one; everything below requires it.
  Status Allocate();

  // Copies weights in. REQUIRES: those of ModelParams(model), in that order.
  void SetWeights(const std::vector<NamedTensor>& weights);
  std::vector<NamedTensor> Weights() const;
  // To be called after params() changed.
  void WeightsChanged();
  bool WeightsAreFinite() const;

  // REQUIRES: 1 <= batch <= max_batch. Costs nothing if it is the present one.
  Status SetBatch(int64_t batch);
  int64_t batch() const { return batch_; }

  // (batch, input_size), to be filled before Forward().
  float* input() { return Floats(input_id_); }
  // What is to be learnt, to be filled before ScoreOutputs(): labels (batch)
  // for sparse categorical cross-entropy, else targets (batch, output_size).
  uint8_t* labels() { return labels_.data(); }
  float* targets() { return Floats(targets_id_); }
  // (batch, output_size), valid between Forward() and Backward().
  const float* outputs() const { return Floats(outputs_id_); }

  void Forward(const ForwardContext& context);
  // Scores the outputs; Backward() builds on it. The loss has the kernels'
  // regularisation in it, as Keras' has.
  BatchScore ScoreOutputs();
  void Backward();

  // All trained weights, gradients and state of the optimizer's slots as flat
  // arrays of one length, aligned and padded alike; padding stays zero.
  std::span<float> params() { return {Floats(params_id_), FlatSize()}; }
  std::span<float> grads() { return {Floats(grads_id_), FlatSize()}; }
  std::span<float> optimizer_slot(int slot) {
    return {Floats(slot_ids_[static_cast<size_t>(slot)]), FlatSize()};
  }
  int optimizer_slots() const { return static_cast<int>(slot_ids_.size()); }
  // One trained parameter's part of a flat array.
  std::span<float> ParamPart(std::span<float> flat, size_t param) const;
  const std::vector<ParamSpec>& param_specs() const { return param_specs_; }

  // The threads of the layers' operations: one for all of them, or for each
  // those that were faster when it was timed alone. Fastest after Allocate().
  enum class LayerThreads { kOne, kFastest };
  void UseThreads(LayerThreads threads);
  ThreadPool& one_thread() { return *serial_; }
  // The time of each layer, forward and backward, the best of `rounds` steps on
  // what input() holds. Weights stay as they are.
  struct LayerTime {
    std::string name;
    int64_t forward_ns = INT64_MAX;
    int64_t backward_ns = INT64_MAX;
    int64_t refresh_ns = INT64_MAX;  // of packed weights
  };
  std::vector<LayerTime> TimeLayers(int rounds);

  // Weights, optimizer slots and all else become zero.
  void ClearTensors();

  // For tests and benchmarks: all threads everywhere, whatever is faster.
  void UseAllThreads();

 private:
  // A layer with the planner's ids of the tensors it reads and writes.
  struct Node {
    NodeSpec spec;
    LayerPools pools;
    LayerPools fastest;       // by the time of each operation alone
    std::vector<int> dx_ids;  // -1: not wanted
    std::vector<bool> adds;   // dx is added to the input's gradient afterwards
  };
  // Values that lie in the same memory.
  struct Buffer {
    std::string name;
    int64_t size = 0;
    bool needs_grad = false;
    int first = 0, last = 0;  // moments
    int grad_first = 0, grad_last = 0;
    int id = -1;
    int grad_id = -1;
  };

  Network() = default;
  void PlaceParams();
  void ShareBuffers();
  Status PlanMemory();
  Status PlanNodes();
  Status Bind();
  Status ApplyBatch();
  Status Calibrate();
  std::span<float> ParamValues(size_t param) const;
  LossTensors TensorsOfLoss() const;
  size_t FlatSize() const { return static_cast<size_t>(flat_size_); }
  float* Floats(int id) const { return arena_view_.Floats(id); }

  Options options_;
  ComputeContext context_;
  std::unique_ptr<MemoryPlanner> planner_;
  std::vector<ValueSpec> values_;
  std::vector<Buffer> buffers_;
  std::vector<int> buffer_of_;  // by value
  std::vector<Node> nodes_;
  int output_value_ = 0;
  int64_t output_size_ = 0;
  bool weights_are_live_ = true;

  std::vector<ParamSpec> param_specs_;
  std::vector<int64_t> param_offsets_;  // in floats, into the flat arrays, or
                                        // for untrained ones into their own
  int64_t flat_size_ = 0;               // floats
  int64_t untrained_size_ = 0;

  // Ids of the planner.
  int input_id_ = -1;
  int outputs_id_ = -1;
  int output_grads_id_ = -1;
  int targets_id_ = -1;
  int params_id_ = -1;
  int grads_id_ = -1;
  int untrained_id_ = -1;
  std::vector<int> slot_ids_;

  AlignedBlock arena_;
  Arena arena_view_;
  std::vector<uint8_t> labels_;
  std::vector<RegularizedKernel> regularized_;
  int64_t batch_ = 0;
  std::unique_ptr<ThreadPool> serial_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_NETWORK_H_
