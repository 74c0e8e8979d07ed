// What a training step of a model costs in arithmetic, from its shapes alone.
#ifndef BATCHSWEEP_MODEL_COST_H_
#define BATCHSWEEP_MODEL_COST_H_

#include <cstdint>
#include <vector>

#include "model/model_spec.h"

namespace batchsweep {

// The floating-point operations of each layer's forward pass over one example:
// a multiplication and an addition for each pair of a weight and a value that
// meet, padding included. A layer without a kernel counts 0, because memory and
// not arithmetic limits it.
std::vector<int64_t> ForwardFlops(const ModelSpec& model);

// The floating-point operations of a training step for each example. The
// kernel's gradient takes as many as the forward pass, and so does the input's
// gradient, which is computed only where something in front of the layer
// trains.
int64_t TrainingFlops(const ModelSpec& model);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_COST_H_
