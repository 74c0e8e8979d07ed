// Where a network's time goes, layer by layer.
#ifndef BATCHSWEEP_GRAPH_LAYER_TIMES_H_
#define BATCHSWEEP_GRAPH_LAYER_TIMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/network.h"

namespace batchsweep {

struct LayerTime {
  std::string name;
  int64_t forward_ns = INT64_MAX;
  int64_t backward_ns = INT64_MAX;
  int64_t refresh_ns = INT64_MAX;  // of packed weights
};

// The best of `rounds` steps on what input() holds, with the threads in use.
// Weights stay as they are. REQUIRES: rounds >= 1, and all gradients are
// stored.
std::vector<LayerTime> TimeLayers(Network& network, int rounds);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_LAYER_TIMES_H_
