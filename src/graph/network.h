// Network: a model on XNNPACK operators, in one planned block of memory.
//
// A step in time: load -> Forward() -> Loss() -> Backward() -> update of
// params() from grads(). Weights, gradients and optimizer state keep their
// place for good; activations live until their backward step; gradients of
// activations and workspaces share what is free.
#ifndef BATCHSWEEP_GRAPH_NETWORK_H_
#define BATCHSWEEP_GRAPH_NETWORK_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "graph/layer.h"
#include "graph/memory_planner.h"
#include "model/model_spec.h"
#include "model/safetensors.h"
#include "platform/error.h"
#include "platform/memory.h"

namespace batchsweep {

class Network {
 public:
  struct Options {
    int64_t max_batch = 1;
    int optimizer_slots = 0;  // tensors of the size of all weights
  };

  // Plans the memory and creates the operators; takes no memory for tensors.
  static Result<Network> Create(const ModelSpec& model, Options options,
                                ComputeContext context);

  const MemoryPlanner& planner() const { return *planner_; }
  int64_t parameter_count() const { return parameter_count_; }
  int64_t class_count() const { return classes_; }
  int64_t input_size() const { return input_size_; }

  // Takes the arena and binds every layer; everything below requires it.
  Status Allocate();

  // Copies weights in. REQUIRES: those of ModelParams(model), in that order.
  void SetWeights(const std::vector<NamedTensor>& weights);
  std::vector<NamedTensor> Weights() const;

  // REQUIRES: 1 <= batch <= max_batch. Costs nothing if it is the present one.
  Status SetBatch(int64_t batch);
  int64_t batch() const { return batch_; }

  // (batch, input_size), to be filled before Forward().
  float* input() { return Floats(input_id_); }
  // (batch), to be filled before Loss().
  uint8_t* labels() { return labels_.data(); }
  // (batch, classes), valid between Forward() and the next one.
  const float* logits() const { return Floats(logits_id_); }

  void Forward();
  // Scores the logits against the labels; Backward() builds on it.
  BatchScore Loss();
  void Backward();

  // All weights, gradients and state of the optimizer's slots as flat arrays of
  // one length, aligned and padded alike; padding stays zero.
  std::span<float> params() { return {Floats(params_id_), FlatSize()}; }
  std::span<float> grads() { return {Floats(grads_id_), FlatSize()}; }
  std::span<float> optimizer_slot(int slot) {
    return {Floats(slot_ids_[static_cast<size_t>(slot)]), FlatSize()};
  }
  int optimizer_slots() const { return static_cast<int>(slot_ids_.size()); }
  // One parameter's part of a flat array.
  std::span<float> ParamPart(std::span<float> flat, size_t param) const;
  const std::vector<ParamSpec>& param_specs() const { return param_specs_; }

 private:
  // A computing layer with the ids of the tensors it reads and writes.
  struct Node {
    std::unique_ptr<Layer> layer;
    int64_t output_size = 0;
    int kernel_param = -1;  // indexes of param_specs_, -1 without
    int bias_param = -1;
    int y_id = -1;
    int dy_id = -1;
  };

  Network() = default;
  Status AddNodes(const ModelSpec& model, ComputeContext context);
  Status PlanMemory(Options options);
  LayerTensors TensorsOf(size_t node) const;
  size_t FlatSize() const { return static_cast<size_t>(flat_size_); }
  float* Floats(int id) const;

  std::unique_ptr<MemoryPlanner> planner_;
  std::vector<Node> nodes_;
  std::vector<ParamSpec> param_specs_;
  std::vector<int64_t> param_offsets_;  // in floats, into the flat arrays
  int64_t flat_size_ = 0;               // floats
  int64_t parameter_count_ = 0;
  int64_t input_size_ = 0;
  int64_t classes_ = 0;
  int64_t max_batch_ = 0;
  int64_t batch_ = 0;
  ComputeContext context_;

  int input_id_ = -1;
  int logits_id_ = -1;
  int dlogits_id_ = -1;
  int params_id_ = -1;
  int grads_id_ = -1;
  std::vector<int> slot_ids_;

  AlignedBlock arena_;
  std::vector<uint8_t> labels_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_NETWORK_H_
