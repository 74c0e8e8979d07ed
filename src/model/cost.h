// What a training step of a model costs in arithmetic, from its shapes alone.
#ifndef BATCHSWEEP_MODEL_COST_H_
#define BATCHSWEEP_MODEL_COST_H_

#include <cstdint>
#include <vector>

#include "model/model_spec.h"

namespace batchsweep {

// Floating-point operations of each layer's products for one example, forward:
// a multiplication and an addition for each pair of a weight and a value that
// meet, padding included. Layers without kernels count 0: they are bound by
// memory.
std::vector<int64_t> ForwardFlops(const ModelSpec& model);

// Of a training step, for one example: the forward pass; the kernel's gradient,
// the same again; and the input's, again the same, but for layers with nothing
// to train in front of them.
int64_t TrainingFlops(const ModelSpec& model);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_COST_H_
