// Who computes a network's products: which body of each.
#ifndef BATCHSWEEP_GRAPH_KERNEL_CHOICE_H_
#define BATCHSWEEP_GRAPH_KERNEL_CHOICE_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace batchsweep {

// Whose code a body runs.
enum class Library { kXnnpack, kOwn };
constexpr const char* NameOf(Library library) {
  switch (library) {
    case Library::kXnnpack:
      return "xnnpack";
    case Library::kOwn:
      return "own";
  }
  return nullptr;
}

// The products of a layer with weights: its output, and its gradients by the
// weights and by its input.
enum class Direction { kForward, kWeightGrads, kInputGrad };
constexpr const char* NameOf(Direction direction) {
  switch (direction) {
    case Direction::kForward:
      return "forward";
    case Direction::kWeightGrads:
      return "weight_grads";
    case Direction::kInputGrad:
      return "input_grad";
  }
  return nullptr;
}

// The body that computes one product.
struct OperationChoice {
  std::string layer;
  Direction direction = Direction::kForward;
  Library library = Library::kOwn;
};

// The choices of a network for one batch size and number of threads.
struct NetworkChoices {
  int64_t batch_size = 0;
  int threads = 1;
  std::vector<OperationChoice> operations;
};

// Multiply-adds of one example, in all products of a layer or a network.
struct MultiplyAdds {
  int64_t xnnpack = 0;  // of them, those that XNNPACK computes
  int64_t all = 0;

  MultiplyAdds& operator+=(const MultiplyAdds& other) {
    xnnpack += other.xnnpack;
    all += other.all;
    return *this;
  }
  // XNNPACK's share, 0 .. 1; 0 where nothing is multiplied.
  double xnnpack_share() const {
    return static_cast<double>(xnnpack) /
           static_cast<double>(std::max<int64_t>(all, 1));
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_KERNEL_CHOICE_H_
