#include "graph/products.h"

#include "util/check.h"

namespace batchsweep {

Status Products::Plan(const PlanContext& context, int64_t forward_slice,
                      int64_t backward_slice) const {
  RETURN_IF_ERROR(forward->Plan(context, forward_slice));
  RETURN_IF_ERROR(weight_grads->Plan(context, backward_slice));
  if (input_grad == nullptr) return {};
  return input_grad->Plan(context, backward_slice);
}

void Products::Bind(const LayerTensors& tensors, const Arena& arena) const {
  forward->Bind(tensors, arena);
  weight_grads->Bind(tensors, arena);
  if (input_grad != nullptr) input_grad->Bind(tensors, arena);
}

Status Products::SetBatch(int64_t batch, int64_t forward_slice,
                          int64_t backward_slice,
                          const LayerPools& pools) const {
  ThreadPool& backward = *pools.backward;
  RETURN_IF_ERROR(forward->SetBatch(batch, forward_slice, *pools.forward));
  RETURN_IF_ERROR(weight_grads->SetBatch(batch, backward_slice, backward));
  if (input_grad == nullptr) return {};
  return input_grad->SetBatch(batch, backward_slice, backward);
}

void Products::RunBackward(const ExampleSlice& slice) const {
  if (input_grad != nullptr) input_grad->Run(slice);
  weight_grads->Run(slice);
}

void Products::SetGradientBatch(int64_t batch, int64_t slice,
                                ThreadPool& pool) const {
  // What could be shaped for the largest batch can be for any.
  CHECK(weight_grads->SetBatch(batch, slice, pool).has_value());
}

void Products::WeightsChanged() const {
  forward->WeightsChanged();
  weight_grads->WeightsChanged();
  if (input_grad != nullptr) input_grad->WeightsChanged();
}

int64_t Products::backward_scratch_floats() const {
  const int64_t weights = weight_grads->scratch_floats();
  if (input_grad == nullptr) return weights;
  return std::max(weights, input_grad->scratch_floats());
}

bool Products::RecreatesOperators() const {
  return forward->RecreatesOperators() || weight_grads->RecreatesOperators() ||
         (input_grad != nullptr && input_grad->RecreatesOperators());
}

}  // namespace batchsweep
