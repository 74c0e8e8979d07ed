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

bool LiveTogether(const TensorPlan& a, const TensorPlan& b) {
  return a.first_use <= b.last_use && b.first_use <= a.last_use;
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
  std::vector<const TensorPlan*> placed;  // by offset
  for (TensorPlan* tensor : order) {
    tensor->offset = LowestFreeOffset(*tensor, placed);
    arena_bytes_ =
        std::max(arena_bytes_, tensor->offset + ReservedBytes(*tensor));
    placed.insert(std::ranges::upper_bound(placed, tensor->offset, {},
                                           &TensorPlan::offset),
                  tensor);
  }
}

int64_t MemoryPlanner::LowestFreeOffset(
    const TensorPlan& tensor,
    const std::vector<const TensorPlan*>& placed) const {
  int64_t offset = 0;
  for (const TensorPlan* other : placed) {
    if (!LiveTogether(tensor, *other)) continue;
    if (offset + ReservedBytes(tensor) <= other->offset) break;
    offset = std::max(offset, other->offset + ReservedBytes(*other));
  }
  return offset;
}

std::array<int64_t, kMemoryClasses> MemoryPlanner::BytesByClass() const {
  std::array<int64_t, kMemoryClasses> bytes = {};
  for (const TensorPlan& tensor : tensors_) {
    bytes[static_cast<size_t>(tensor.memory_class)] += tensor.bytes;
  }
  return bytes;
}

}  // namespace batchsweep
