// KernelChooser: decides, for each product of a network, which of its bodies
// computes it.
#ifndef BATCHSWEEP_GRAPH_KERNEL_CHOOSER_H_
#define BATCHSWEEP_GRAPH_KERNEL_CHOOSER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/kernel_choice.h"
#include "graph/operation.h"
#include "platform/error.h"

namespace batchsweep {

// A product as its bodies are to be compared on it.
struct OperationShape {
  std::string layer;
  Direction direction = Direction::kForward;
  int64_t in = 0;               // floats of an example's x and dx
  int64_t out = 0;              // of its y and dy
  std::vector<int64_t> params;  // floats of each of the layer's parameters
  // Whether our weight gradients update the weights at once; XNNPACK's are
  // written and read again.
  bool weight_grads_fuse_update = false;
  int64_t multiply_adds = 0;  // of an example
  // How many examples the layer passes at a time to a body that takes so many
  // floats of scratch for each.
  std::function<int64_t(int64_t scratch_floats, int64_t batch, int64_t threads)>
      slice;
};

// One of the bodies that can compute a product.
struct OperationBody {
  Library library = Library::kOwn;
  std::function<Result<std::unique_ptr<Operation>>()> create;
};

class KernelChooser {
 public:
  virtual ~KernelChooser() = default;
  // Returns the library of one of `bodies`. REQUIRES: there is one at least.
  virtual Result<Library> Choose(const OperationShape& shape,
                                 std::span<const OperationBody> bodies) = 0;
};

// Takes one library's bodies wherever it has them.
class PreferredKernels final : public KernelChooser {
 public:
  explicit PreferredKernels(Library library) : library_(library) {}
  Result<Library> Choose(const OperationShape& shape,
                         std::span<const OperationBody> bodies) override;

 private:
  const Library library_;
};

// The chooser of a context; ours wherever there is one, if it has none.
KernelChooser& ChooserOf(const ComputeContext& context);

// Takes what was chosen before. An error if that has nothing for a product, or
// what no body can compute: then it is of another network. `choices` outlives
// it.
class ChosenKernels final : public KernelChooser {
 public:
  explicit ChosenKernels(const NetworkChoices& choices) : choices_(choices) {}
  Result<Library> Choose(const OperationShape& shape,
                         std::span<const OperationBody> bodies) override;

 private:
  const NetworkChoices& choices_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_KERNEL_CHOOSER_H_
