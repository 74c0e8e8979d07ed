#include "model/keras_graph.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "model/keras_value.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;
using LayerIndex = std::map<std::string, size_t, std::less<>>;

// Returns the name of [name, 0, 0], which call options may follow.
Result<std::string> ReadReference(const Json& reference,
                                  const std::string& owner) {
  if (!reference.is_array() || reference.size() < 3 ||
      !reference[0].is_string()) {
    return Fail("{}: a connection is {}, expected [layer, 0, 0]", owner,
                Describe(reference));
  }
  if (reference[1] != Json(0) || reference[2] != Json(0)) {
    return Fail("{}: reads output [{}, {}] of layer {}, expected [0, 0]", owner,
                Describe(reference[1]), Describe(reference[2]),
                Describe(reference[0]));
  }
  return reference[0].get<std::string>();
}

// An option that is false or null asks for what the layer does anyhow.
Status RefuseCallOptions(const Json& options, const std::string& owner) {
  for (const auto& [key, value] : options.items()) {
    if (value.is_null() || value == Json(false)) continue;
    return Fail("{}: is called with {} {}; call it on tensors alone", owner,
                Describe(key), Describe(value));
  }
  return {};
}

Status AddReference(const Json& reference, const std::string& owner,
                    Names& names) {
  ASSIGN_OR_RETURN(std::string name, ReadReference(reference, owner));
  names.push_back(std::move(name));
  if (reference.size() < 4) return {};
  // With training=False Keras 2 freezes a batch normalisation, which Keras 3
  // does not: there is no one meaning to follow.
  if (Field(reference[3], "training").is_boolean()) {
    return Fail("{}: is called with training {}; call it on tensors alone",
                owner, Describe(reference[3]["training"]));
  }
  return RefuseCallOptions(reference[3], owner);
}

Result<Names> ReadKeras2Node(const Json& node, const std::string& owner) {
  Names names;
  // A layer that reads one tensor may have it without the list around it.
  if (!node.empty() && node[0].is_string()) {
    RETURN_IF_ERROR(AddReference(node, owner, names));
    return names;
  }
  for (const Json& reference : node) {
    RETURN_IF_ERROR(AddReference(reference, owner, names));
  }
  return names;
}

Status AddTensor(const Json& tensor, const std::string& owner, Names& names) {
  if (StringAt(tensor, "class_name") != "__keras_tensor__") {
    return Fail("{}: is called on {}; call it on tensors alone", owner,
                Describe(tensor));
  }
  ASSIGN_OR_RETURN(
      std::string name,
      ReadReference(Field(Field(tensor, "config"), "keras_history"), owner));
  names.push_back(std::move(name));
  return {};
}

Result<Names> ReadKeras3Node(const Json& node, const std::string& owner) {
  Names names;
  RETURN_IF_ERROR(RefuseCallOptions(Field(node, "kwargs"), owner));
  for (const Json& argument : Field(node, "args")) {
    if (!argument.is_array()) {
      RETURN_IF_ERROR(AddTensor(argument, owner, names));
      continue;
    }
    for (const Json& tensor : argument) {
      RETURN_IF_ERROR(AddTensor(tensor, owner, names));
    }
  }
  return names;
}

// The layers that `layer` reads; none for an InputLayer.
Result<Names> ReadInbound(const KerasLayer& layer) {
  const std::string& owner = layer.options.owner;
  const Json& nodes = Field(layer.entry, "inbound_nodes");
  if (!nodes.is_array()) {
    return Fail("{}: inbound_nodes is {}, expected a list", owner,
                Describe(nodes));
  }
  const bool is_input = layer.class_name == "InputLayer";
  if (is_input && nodes.empty()) return Names{};
  if (is_input) return Fail("{} is an InputLayer that reads layers", owner);
  if (nodes.size() > 1) {
    return Fail(
        "{} is shared, it stands at {} places; give each a layer of its own",
        owner, nodes.size());
  }
  Names names;
  if (nodes.size() == 1 && nodes[0].is_object()) {
    ASSIGN_OR_RETURN(names, ReadKeras3Node(nodes[0], owner));
  } else if (nodes.size() == 1 && nodes[0].is_array()) {
    ASSIGN_OR_RETURN(names, ReadKeras2Node(nodes[0], owner));
  }
  if (names.empty()) {
    return Fail("{} reads no layer; connect or remove it", owner);
  }
  return names;
}

Result<LayerIndex> IndexLayers(const std::vector<KerasLayer>& layers,
                               std::string_view origin) {
  LayerIndex index;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (index.emplace(layers[i].name, i).second) continue;
    return Fail("{}: two layers are named {}; give each its own name", origin,
                Describe(layers[i].name));
  }
  return index;
}

Result<size_t> FindInput(const std::vector<KerasLayer>& layers,
                         std::string_view origin) {
  std::optional<size_t> input;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].class_name != "InputLayer") continue;
    if (input) {
      return Fail("{} is a second InputLayer; batchsweep trains models of one",
                  layers[i].options.owner);
    }
    input = i;
  }
  if (input) return *input;
  return Fail("{}: has no InputLayer; begin with keras.Input(shape)", origin);
}

Result<size_t> FindOutput(const KerasOptions& model, const LayerIndex& index) {
  const Json* outputs = &Field(model.config, "output_layers");
  if (outputs->is_array() && outputs->size() == 1) outputs = &(*outputs)[0];
  const bool several =
      outputs->is_array() && !outputs->empty() && (*outputs)[0].is_array();
  if (several) {
    return Fail("{}: has {} outputs; batchsweep trains models of one",
                model.owner, outputs->size());
  }
  ASSIGN_OR_RETURN(const std::string name,
                   ReadReference(*outputs, model.owner + ": output_layers"));
  const auto found = index.find(name);
  if (found != index.end()) return found->second;
  return Fail("{}: the output layer {} is not in it", model.owner,
              Describe(name));
}

Status CheckAllLeadTo(size_t output, const KerasGraph& graph,
                      const std::vector<KerasLayer>& layers) {
  std::vector<bool> leads(layers.size());
  std::vector<size_t> open = {output};
  while (!open.empty()) {
    const size_t layer = open.back();
    open.pop_back();
    if (leads[layer]) continue;
    leads[layer] = true;
    open.insert(open.end(), graph.reads[layer].begin(),
                graph.reads[layer].end());
  }
  const auto unused = std::ranges::find(leads, false);
  if (unused == leads.end()) return {};
  return Fail(
      "{} is read by no layer on the way to the output; remove it",
      layers[static_cast<size_t>(unused - leads.begin())].options.owner);
}

// Says in which pass over the list each layer is placed, if a pass places those
// whose inputs are placed: one more than an input's where that stands behind
// the layer. Absent for layers on a circle and behind one.
std::vector<std::optional<size_t>> PassesOf(const KerasGraph& graph) {
  const size_t count = graph.reads.size();
  std::vector<std::vector<size_t>> readers(count);
  std::vector<size_t> unplaced_inputs(count);
  for (size_t i = 0; i < count; ++i) {
    unplaced_inputs[i] = graph.reads[i].size();
    for (const size_t read : graph.reads[i]) readers[read].push_back(i);
  }
  std::vector<size_t> earliest(count, 0);
  std::vector<std::optional<size_t>> passes(count);
  std::vector<size_t> open = {graph.input};
  while (!open.empty()) {
    const size_t layer = open.back();
    open.pop_back();
    passes[layer] = earliest[layer];
    for (const size_t reader : readers[layer]) {
      // The input is there before the first pass.
      const bool behind = layer > reader && layer != graph.input;
      earliest[reader] =
          std::max(earliest[reader], earliest[layer] + (behind ? 1 : 0));
      if (--unplaced_inputs[reader] == 0) open.push_back(reader);
    }
  }
  return passes;
}

// Orders layers behind those they read. Keras writes them so, and then their
// order stays: it decides in which order weights are drawn.
Status OrderLayers(KerasGraph& graph, const std::vector<KerasLayer>& layers) {
  const auto passes = PassesOf(graph);
  const auto left = std::ranges::find(passes, std::optional<size_t>());
  if (left != passes.end()) {
    return Fail(
        "{} reads, by way of others, itself; Keras makes no circles",
        layers[static_cast<size_t>(left - passes.begin())].options.owner);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    if (i != graph.input) graph.order.push_back(i);
  }
  std::ranges::stable_sort(graph.order, {},
                           [&](size_t layer) { return *passes[layer]; });
  return {};
}

}  // namespace

Result<KerasGraph> ConnectLayers(const KerasOptions& model,
                                 const std::vector<KerasLayer>& layers,
                                 std::string_view origin) {
  ASSIGN_OR_RETURN(const LayerIndex index, IndexLayers(layers, origin));
  KerasGraph graph;
  ASSIGN_OR_RETURN(graph.input, FindInput(layers, origin));
  for (const KerasLayer& layer : layers) {
    ASSIGN_OR_RETURN(const Names names, ReadInbound(layer));
    std::vector<size_t>& reads = graph.reads.emplace_back();
    for (const std::string& name : names) {
      const auto found = index.find(name);
      if (found == index.end()) {
        return Fail("{}: reads layer {}, which is not in the model",
                    layer.options.owner, Describe(name));
      }
      reads.push_back(found->second);
    }
  }
  ASSIGN_OR_RETURN(const size_t output, FindOutput(model, index));
  RETURN_IF_ERROR(CheckAllLeadTo(output, graph, layers));
  RETURN_IF_ERROR(OrderLayers(graph, layers));
  return graph;
}

}  // namespace batchsweep
