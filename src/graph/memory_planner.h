// Where every tensor of a network lies, decided before the first step.
//
// Each tensor says how large it is and between which moments of a step it must
// keep its contents. Tensors that are never needed at one moment may share
// bytes. Pure arithmetic: nothing here allocates the arena.
//
// How offsets are found: tensors are placed from the largest to the smallest,
// each at the lowest offset where it meets no placed tensor that lives at the
// same time. (The greedy planner of TensorFlow Lite Micro works like this; the
// best order is NP-hard, this one is within a few percent on such networks.)
#ifndef BATCHSWEEP_GRAPH_MEMORY_PLANNER_H_
#define BATCHSWEEP_GRAPH_MEMORY_PLANNER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace batchsweep {

enum class MemoryClass {
  kWeights,
  kPackedWeights,  // copies in the order that XNNPACK's kernels read
  kGradients,
  kOptimizer,
  kActivations,
  kActivationGradients,
  kWorkspace,
};
inline constexpr int kMemoryClasses = 7;

// "weights", "packed weights", ...
const char* MemoryClassName(MemoryClass memory_class);

// The arena at the time of planning; its index in the planner is its id.
struct TensorPlan {
  std::string name;
  MemoryClass memory_class;
  int64_t bytes = 0;  // as asked for
  int first_use = 0;  // moments of a step, both inclusive
  int last_use = 0;
  int64_t offset = 0;  // a multiple of 64
};

class MemoryPlanner {
 public:
  // Returns the tensor's id. REQUIRES: bytes >= 0, first_use <= last_use.
  int Add(std::string name, MemoryClass memory_class, int64_t bytes,
          int first_use, int last_use);

  // Gives every tensor its offset. To be called once, after the last Add.
  // Invariants afterwards: (1) offsets are multiples of 64; (2) behind each
  // tensor, 64 bytes are in the arena that no tensor living at the same time
  // begins in, since XNNPACK reads past ends; (3) tensors that live at the same
  // time do not overlap.
  void Plan();

  const std::vector<TensorPlan>& tensors() const { return tensors_; }
  int64_t arena_bytes() const { return arena_bytes_; }

  // Bytes asked for by class, before sharing; indexed by MemoryClass.
  std::array<int64_t, kMemoryClasses> BytesByClass() const;

 private:
  std::vector<TensorPlan> tensors_;
  int64_t arena_bytes_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_MEMORY_PLANNER_H_
