#include "model/keras_json.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "model/keras_graph.h"
#include "model/keras_layers.h"
#include "model/keras_options.h"
#include "model/keras_value.h"
#include "model/limits.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kExpected =
    "expected what Keras' model.to_json() gives";

// How deep lists and objects lie within each other.
int64_t DepthOf(std::string_view text) {
  int64_t depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

// The parser throws on bad syntax, bad UTF-8 and numbers beyond a double. It
// takes up to forty bytes for each of the text, so that has a limit.
Result<Json> ParseText(std::string_view text, std::string_view origin) {
  if (std::ssize(text) > kMaxJsonBytes) {
    return Fail("{}: has {} bytes, a model's JSON at most {}; {}", origin,
                text.size(), kMaxJsonBytes, kExpected);
  }
  if (const int64_t depth = DepthOf(text); depth > kMaxJsonDepth) {
    return Fail("{}: has lists and objects {} deep, a model at most {}; {}",
                origin, depth, kMaxJsonDepth, kExpected);
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    // what() is "[json.exception.name.number] place: reason; last read: ..".
    std::string_view what = error.what();
    what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
    return Fail("{}: not JSON, {}; {}", origin, what.substr(0, what.find(": ")),
                kExpected);
  }
}

// Text that cannot break a message or a CSV row in two.
bool IsLine(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    return std::iscntrl(static_cast<unsigned char>(c));
  });
}

// As Keras names a layer by default: max_pooling2d for MaxPooling2D, re_lu for
// ReLU.
std::string SnakeCase(std::string_view class_name) {
  const auto is_lower = [&](size_t i) {
    return i < class_name.size() &&
           std::islower(static_cast<unsigned char>(class_name[i]));
  };
  std::string name;
  for (size_t i = 0; i < class_name.size(); ++i) {
    const auto c = static_cast<unsigned char>(class_name[i]);
    if (i > 0 && std::isupper(c) && (is_lower(i - 1) || is_lower(i + 1))) {
      name += '_';
    }
    name += static_cast<char>(std::tolower(c));
  }
  return name;
}

// The layer's own name, or Keras' default: its class, then the same with _1, _2
// .. for each further unnamed layer of the class.
Result<std::string> NameOfLayer(const Json& config,
                                const std::string& class_name,
                                const std::string& place,
                                std::map<std::string, int>& unnamed) {
  const auto written = config.find("name");
  if (written != config.end() && !written->is_null()) {
    std::string name = StringAt(config, "name");
    if (IsLine(name)) return name;
    return Fail("{}: name is {}, expected a line of text", place,
                Describe(*written));
  }
  const std::string name = SnakeCase(class_name);
  const int count = unnamed[class_name]++;
  return count == 0 ? name : std::format("{}_{}", name, count);
}

Result<KerasLayer> ReadKerasLayer(const Json& entry, const std::string& place,
                                  std::string_view origin,
                                  std::map<std::string, int>& unnamed) {
  if (!entry.is_object()) {
    return Fail("{}: is {}, expected an object; {}", place, Describe(entry),
                kExpected);
  }
  const std::string class_name = StringAt(entry, "class_name");
  const auto config = entry.find("config");
  if (!IsLine(class_name) || config == entry.end() || !config->is_object()) {
    return Fail("{}: has no class_name and config; {}", place, kExpected);
  }
  ASSIGN_OR_RETURN(std::string name,
                   NameOfLayer(*config, class_name, place, unnamed));
  std::string owner = std::format("{}: layer {}", origin, Describe(name));
  // A class of the author's own is registered as "package>Name", whatever its
  // class_name says.
  const std::string registered = StringAt(entry, "registered_name");
  if (registered.contains('>')) {
    return Fail("{} is the custom class {}; batchsweep trains Keras' own",
                owner, Describe(registered));
  }
  return KerasLayer{
      class_name, std::move(name), {std::move(owner), *config}, entry};
}

// The shape on the first layer, or else the one Keras notes for a model that
// was built by its first call.
Result<Shape> ReadInputShape(const KerasLayer& first,
                             const KerasOptions& model) {
  for (const char* key : {"batch_shape", "batch_input_shape"}) {
    const auto found = first.options.config.find(key);
    if (found == first.options.config.end() || found->is_null()) continue;
    return ReadBatchShape(first.options, key);
  }
  const auto built = model.config.find("build_input_shape");
  if (built != model.config.end() && !built->is_null()) {
    return ReadBatchShape(model, "build_input_shape");
  }
  return Fail(
      "{} has no input shape; begin with keras.Input(shape) or give it "
      "batch_input_shape",
      first.options.owner);
}

Status CheckInputLayer(const KerasLayer& input) {
  RETURN_IF_ERROR(CheckTrainsInFloat32(input.options));
  return RefuseOtherOptions(input.options, {});
}

// Each layer reads the one before it; the first may be an InputLayer.
Result<KerasGraph> Chain(const std::vector<KerasLayer>& layers) {
  KerasGraph graph;
  graph.reads.resize(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool is_input = layers[i].class_name == "InputLayer";
    if (is_input && i > 0) {
      return Fail("{} is an InputLayer; only the first layer can be one",
                  layers[i].options.owner);
    }
    if (is_input) continue;
    graph.order.push_back(i);
    if (i > 0) graph.reads[i] = {i - 1};
  }
  return graph;
}

// Turns layers to specs in the graph's order, so that the shapes which each
// reads are known.
Result<ModelSpec> BuildModel(const std::vector<KerasLayer>& layers,
                             const KerasGraph& graph, const Shape& input_shape,
                             std::string_view origin) {
  ModelSpec model{.name = "", .input_shape = input_shape, .layers = {}};
  std::vector<int> position(layers.size(), kModelInput);
  std::vector<Shape> shapes(layers.size(), input_shape);
  bool is_chain = true;
  for (const size_t layer : graph.order) {
    std::vector<Shape> input_shapes;
    std::vector<int> inputs;
    for (const size_t read : graph.reads[layer]) {
      input_shapes.push_back(shapes[read]);
      inputs.push_back(position[read]);
    }
    if (inputs.empty()) {  // a first layer that has the input's shape itself
      input_shapes.push_back(input_shape);
      inputs.push_back(kModelInput);
    }
    ASSIGN_OR_RETURN(LayerSpec spec, ReadLayer(layers[layer], input_shapes));
    ASSIGN_OR_RETURN(shapes[layer],
                     LayerOutputShape(spec, input_shapes, origin));
    position[layer] = static_cast<int>(model.layers.size());
    is_chain = is_chain && inputs == std::vector{position[layer] - 1};
    model.layers.push_back(std::move(spec));
    model.inputs.push_back(std::move(inputs));
  }
  if (is_chain) model.inputs.clear();
  return model;
}

Result<std::vector<KerasLayer>> ReadKerasLayers(const Json& entries,
                                                std::string_view origin) {
  std::vector<KerasLayer> layers;
  std::map<std::string, int> unnamed;
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string place = std::format("{}: layers[{}]", origin, i);
    ASSIGN_OR_RETURN(KerasLayer layer,
                     ReadKerasLayer(entries[i], place, origin, unnamed));
    layers.push_back(std::move(layer));
  }
  return layers;
}

bool IsFunctional(const Json& root) {
  const std::string class_name = StringAt(root, "class_name");
  return class_name == "Functional" || class_name == "Model";
}

// The list of layers: "layers" in the config, or as Keras 2.0 wrote, the
// config itself.
Result<const Json*> FindLayers(const Json& root, std::string_view origin) {
  if (!root.is_object()) {
    return Fail("{}: is {}; {}", origin,
                root.is_string() ? "JSON inside a JSON string" : Describe(root),
                kExpected);
  }
  const std::string class_name = StringAt(root, "class_name");
  const auto config = root.find("config");
  if (!IsLine(class_name) || config == root.end()) {
    return Fail("{}: has no class_name and config; {}", origin, kExpected);
  }
  if (class_name != "Sequential" && !IsFunctional(root)) {
    return Fail(
        "{}: is a {}; batchsweep trains Sequential and functional models",
        origin, class_name);
  }
  const Json* layers = &*config;
  if (config->is_object()) {
    const auto found = config->find("layers");
    if (found == config->end()) {
      return Fail("{}: config has no layers; {}", origin, kExpected);
    }
    layers = &*found;
  }
  if (!layers->is_array() || layers->empty()) {
    return Fail("{}: layers is not a list of at least one layer; {}", origin,
                kExpected);
  }
  if (std::ssize(*layers) > kMaxLayers) {
    return Fail("{}: has {} layers; batchsweep trains at most {}", origin,
                layers->size(), kMaxLayers);
  }
  return layers;
}

Result<ModelSpec> ReadModel(const Json& root, std::string_view origin) {
  ASSIGN_OR_RETURN(const Json* entries, FindLayers(root, origin));
  static const Json kNoConfig = Json::object();
  const Json& config = root["config"];
  const KerasOptions options{std::format("{}: model", origin),
                             config.is_object() ? config : kNoConfig};
  RETURN_IF_ERROR(CheckTrainsInFloat32(options));
  ASSIGN_OR_RETURN(const std::vector<KerasLayer> layers,
                   ReadKerasLayers(*entries, origin));
  const bool functional = IsFunctional(root);
  ASSIGN_OR_RETURN(
      const KerasGraph graph,
      functional ? ConnectLayers(options, layers, origin) : Chain(layers));
  const KerasLayer& first = layers[graph.input];
  if (first.class_name == "InputLayer") {
    RETURN_IF_ERROR(CheckInputLayer(first));
  }
  ASSIGN_OR_RETURN(const Shape input_shape, ReadInputShape(first, options));
  ASSIGN_OR_RETURN(ModelSpec model,
                   BuildModel(layers, graph, input_shape, origin));
  model.name = StringAt(options.config, "name");
  if (model.name.empty()) model.name = functional ? "model" : "sequential";
  return model;
}

}  // namespace

Result<ModelSpec> ParseKerasJson(std::string_view json,
                                 std::string_view origin) {
  ASSIGN_OR_RETURN(const Json root, ParseText(json, origin));
  ASSIGN_OR_RETURN(ModelSpec model, ReadModel(root, origin));
  RETURN_IF_ERROR(CheckModel(model, origin));
  return model;
}

}  // namespace batchsweep
