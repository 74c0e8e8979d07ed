// How the layers of a functional Keras model are connected.
//
// Keras writes with each layer an "inbound_nodes": one entry for each place
// where the layer stands, of the tensors that it reads there, each as [name of
// the layer, its place, which of its outputs].
//   Keras 2: [[["conv", 0, 0, {}], ["input", 0, 0, {}]]]
//   Keras 3: [{"args": [[TENSOR, TENSOR]], "kwargs": {}}], where TENSOR is
//            {"class_name": "__keras_tensor__",
//             "config": {"keras_history": ["conv", 0, 0], ..}}
#ifndef BATCHSWEEP_MODEL_KERAS_GRAPH_H_
#define BATCHSWEEP_MODEL_KERAS_GRAPH_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "model/keras_layers.h"
#include "model/keras_options.h"
#include "platform/error.h"

namespace batchsweep {

// Indexes are of the model's list of layers.
struct KerasGraph {
  size_t input = 0;           // the InputLayer
  std::vector<size_t> order;  // all others, each behind those it reads, as near
                              // to the list's order as that allows; the last
                              // one's output is the model's
  std::vector<std::vector<size_t>> reads;  // of each layer of the list
};

// `model` has the output_layers. Refused by name: more or fewer than one input
// and one output, a layer that stands at several places, one whose output is
// not used, one called with more than tensors, a circle.
Result<KerasGraph> ConnectLayers(const KerasOptions& model,
                                 const std::vector<KerasLayer>& layers,
                                 std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_GRAPH_H_
