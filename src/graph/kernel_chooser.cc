#include "graph/kernel_chooser.h"

#include <algorithm>

namespace batchsweep {
namespace {

bool Has(std::span<const OperationBody> bodies, Library library) {
  return std::ranges::contains(bodies, library, &OperationBody::library);
}

}  // namespace

Result<Library> PreferredKernels::Choose(
    const OperationShape&, std::span<const OperationBody> bodies) {
  return Has(bodies, library_) ? library_ : bodies.front().library;
}

KernelChooser& ChooserOf(const ComputeContext& context) {
  static PreferredKernels own(Library::kOwn);
  return context.chooser == nullptr ? own : *context.chooser;
}

Result<Library> ChosenKernels::Choose(const OperationShape& shape,
                                      std::span<const OperationBody> bodies) {
  const auto found = std::ranges::find_if(
      choices_.operations, [&](const OperationChoice& choice) {
        return choice.layer == shape.layer &&
               choice.direction == shape.direction;
      });
  if (found != choices_.operations.end() && Has(bodies, found->library)) {
    return found->library;
  }
  return Fail(
      "the kernels that were chosen for batch size {} and {} threads have none "
      "for {} of layer \"{}\": expected those of a run of the same model and "
      "program",
      choices_.batch_size, choices_.threads, NameOf(shape.direction),
      shape.layer);
}

}  // namespace batchsweep
