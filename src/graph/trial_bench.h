// What a trial runs: a body of a product, on made-up tensors that it shares
// with the product's other bodies.
#ifndef BATCHSWEEP_GRAPH_TRIAL_BENCH_H_
#define BATCHSWEEP_GRAPH_TRIAL_BENCH_H_

#include <algorithm>
#include <cstdint>
#include <memory>

#include "graph/kernel_chooser.h"
#include "graph/memory_planner.h"
#include "graph/operation.h"
#include "platform/error.h"
#include "platform/memory.h"
#include "util/checksum.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// What all bodies of a product read and write, one after the other.
class SharedTensors {
 public:
  static Result<SharedTensors> Create(const OperationShape& shape,
                                      int64_t examples);

  const LayerTensors& tensors() const { return tensors_; }

  // Every slice has the tensors of the first: no body's time depends on values.
  ExampleSlice Slice(int64_t first, int64_t count) const {
    return {.first = first,
            .count = count,
            .x = tensors_.x[0],
            .y = tensors_.y,
            .dy = tensors_.dy,
            .dx = tensors_.dx[0]};
  }

  // Of what a body made of so many examples; the bias' gradient, which is not
  // every body's, left out.
  Checksum OutputOf(const OperationShape& shape, int64_t examples) const;

 private:
  AlignedBlock block_;
  LayerTensors tensors_;
};

// One body, with the memory that is its own.
class TrialBench {
 public:
  // `shape` outlives it.
  static Result<TrialBench> Create(const OperationShape& shape,
                                   const OperationBody& body,
                                   int64_t most_examples, int64_t most_threads);

  // Examples of the largest slice.
  int64_t room() const { return room_; }
  // The examples that the layer would pass at a time.
  int64_t SliceOf(int64_t batch, int64_t threads) const {
    return shape_->slice(operation_->scratch_floats(), batch, threads);
  }

  // `shared` has room for room() examples, and outlives the bench.
  void Bind(const SharedTensors& shared);

  // Of what the body makes of a batch of `examples`, all in one slice.
  Result<Checksum> OutputOf(int64_t examples, ThreadPool& pool);

  // Begins a trial of that batch.
  Status SetBatch(int64_t batch, ThreadPool& pool);
  // Times the packing of weights, the first slice, which may prepare what all
  // of a pass use, and another.
  void TimeOnce();
  int64_t spent_ns() const { return spent_ns_; }
  // The best that was timed, for a whole pass.
  int64_t StepNs() const;

 private:
  explicit TrialBench(const OperationShape& shape) : shape_(&shape) {}

  int64_t NextSlice() const { return std::min(slice_, batch_ - slice_); }

  const OperationShape* shape_;
  std::unique_ptr<Operation> operation_;
  std::unique_ptr<MemoryPlanner> planner_ = std::make_unique<MemoryPlanner>();
  AlignedBlock block_;
  const SharedTensors* shared_ = nullptr;
  int64_t room_ = 0;
  int64_t batch_ = 0;
  int64_t slice_ = 0;
  int64_t refresh_ns_ = 0;
  int64_t first_ns_ = 0;
  int64_t next_ns_ = 0;
  int64_t spent_ns_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_TRIAL_BENCH_H_
