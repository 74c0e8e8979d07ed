#include "graph/memory_planner.h"

#include <algorithm>

#include "util/check.h"

namespace batchsweep {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kSlackBytes = 64;

int64_t ReservedBytes(const TensorPlan& tensor) {
  const int64_t with_slack = tensor.bytes + kSlackBytes;
  return (with_slack + kAlignment - 1) / kAlignment * kAlignment;
}

// A tensor that has its place, as all after it look at it. There may be tens of
// thousands, and each looks at all before: what it looks at lies close
// together.
struct Placed {
  int first_use = 0;
  int last_use = 0;
  int64_t offset = 0;
  int64_t end = 0;  // of what is reserved

  bool LivesWith(const TensorPlan& tensor) const {
    return first_use <= tensor.last_use && tensor.first_use <= last_use;
  }
};

// `placed` is in the order of offsets.
int64_t LowestFreeOffset(const TensorPlan& tensor,
                         const std::vector<Placed>& placed) {
  const int64_t bytes = ReservedBytes(tensor);
  int64_t offset = 0;
  for (const Placed& other : placed) {
    if (!other.LivesWith(tensor)) continue;
    if (offset + bytes <= other.offset) break;
    offset = std::max(offset, other.end);
  }
  return offset;
}

}  // namespace

const char* MemoryClassName(MemoryClass memory_class) {
  switch (memory_class) {
    case MemoryClass::kWeights:
      return "weights";
    case MemoryClass::kPackedWeights:
      return "packed weights";
    case MemoryClass::kGradients:
      return "gradients";
    case MemoryClass::kOptimizer:
      return "optimizer";
    case MemoryClass::kActivations:
      return "activations";
    case MemoryClass::kActivationGradients:
      return "activation gradients";
    case MemoryClass::kWorkspace:
      return "workspace";
  }
  return "unknown";
}

int MemoryPlanner::Add(std::string name, MemoryClass memory_class,
                       int64_t bytes, int first_use, int last_use) {
  CHECK(bytes >= 0 && first_use <= last_use);
  tensors_.push_back({.name = std::move(name),
                      .memory_class = memory_class,
                      .bytes = bytes,
                      .first_use = first_use,
                      .last_use = last_use});
  return static_cast<int>(tensors_.size()) - 1;
}

void MemoryPlanner::Plan() {
  std::vector<TensorPlan*> order;
  for (TensorPlan& tensor : tensors_) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater(), &TensorPlan::bytes);
  std::vector<Placed> placed;  // by offset
  placed.reserve(order.size());
  for (TensorPlan* tensor : order) {
    tensor->offset = LowestFreeOffset(*tensor, placed);
    const int64_t end = tensor->offset + ReservedBytes(*tensor);
    arena_bytes_ = std::max(arena_bytes_, end);
    placed.insert(
        std::ranges::upper_bound(placed, tensor->offset, {}, &Placed::offset),
        {.first_use = tensor->first_use,
         .last_use = tensor->last_use,
         .offset = tensor->offset,
         .end = end});
  }
}

std::array<int64_t, kMemoryClasses> MemoryPlanner::BytesByClass() const {
  std::array<int64_t, kMemoryClasses> bytes = {};
  for (const TensorPlan& tensor : tensors_) {
    bytes[static_cast<size_t>(tensor.memory_class)] += tensor.bytes;
  }
  return bytes;
}

}  // namespace batchsweep
