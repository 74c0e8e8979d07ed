// How many threads each layer of a network gets.
#ifndef BATCHSWEEP_GRAPH_LAYER_THREADS_H_
#define BATCHSWEEP_GRAPH_LAYER_THREADS_H_

#include "graph/network.h"
#include "graph/weight_update.h"
#include "platform/error.h"

namespace batchsweep {

// Times every layer by itself, forward and backward, on one thread and on all,
// at the present batch, and has it use what is faster. What is faster for each
// layer need not be so for the whole step: data then moves between cores. So
// whoever trains times the step as a whole too. All tensors are zero
// afterwards; costs at most some 20 ms a layer and direction, and nothing on a
// single thread. Layers that fuse their update apply `update`.
Status ChooseLayerThreads(Network& network, const WeightUpdate& update);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_LAYER_THREADS_H_
