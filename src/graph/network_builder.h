// From a model's layers to those that compute: shapes are settled, what
// computes nothing is gone, activations and poolings are built into the layers
// in front where these can do it.
#ifndef BATCHSWEEP_GRAPH_NETWORK_BUILDER_H_
#define BATCHSWEEP_GRAPH_NETWORK_BUILDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/buffer_plan.h"
#include "graph/layer.h"
#include "model/model_spec.h"
#include "platform/error.h"

namespace batchsweep {

struct NodeSpec {
  std::string name;  // of the model's layer
  std::unique_ptr<Layer> layer;
  std::vector<int> inputs;  // indexes of values
  int output = 0;
  std::vector<int> params;  // indexes of ModelParams()
};

struct NetworkSpec {
  std::vector<ValueSpec> values;  // the first is the model's input
  std::vector<NodeSpec> nodes;    // in order of computation
  int output = 0;                 // the value that the loss reads
};

struct BuildOptions {
  uint64_t seed = 1;  // of dropout
  // Whether layers that can update their weights while they compute the
  // gradient do so, see Layer::FusesUpdate().
  bool fuses_updates = false;
};

Result<NetworkSpec> BuildNetwork(const ModelSpec& model,
                                 const BuildOptions& options,
                                 const ComputeContext& context);

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_NETWORK_BUILDER_H_
