#include "model/keras_json.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "model/keras_options.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kExpected =
    "expected what Keras' model.to_json() gives for a Sequential model";

struct KerasLayer {
  std::string class_name;
  std::string name;
  KerasOptions options;
};

// The parser throws on bad syntax, bad UTF-8 and numbers beyond a double.
Result<Json> ParseText(std::string_view text, std::string_view origin) {
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

// The layer's own name, or Keras' default: the class in lower case, then the
// same with _1, _2 .. for each further unnamed layer of the class.
Result<std::string> NameOfLayer(const Json& config,
                                const std::string& class_name,
                                const std::string& place,
                                std::map<std::string, int>& unnamed) {
  const auto written = config.find("name");
  if (written != config.end() && !written->is_null()) {
    const std::string name = StringAt(config, "name");
    if (IsLine(name)) return name;
    return Fail("{}: name is {}, expected a line of text", place,
                Describe(*written));
  }
  std::string name;
  for (const char c : class_name) {
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
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
  return KerasLayer{class_name, std::move(name), {std::move(owner), *config}};
}

Result<LayerSpec> ReadFlatten(const KerasLayer& layer) {
  const std::string format = StringAt(layer.options.config, "data_format");
  if (!format.empty() && format != "channels_last") {
    return Fail("{}: data_format is {}, expected \"channels_last\"",
                layer.options.owner, Describe(format));
  }
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"data_format"}));
  return FlattenSpec{layer.name};
}

Result<LayerSpec> ReadDense(const KerasLayer& layer) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(
      RefuseOtherOptions(options, {"units", "activation", "use_bias",
                                   "kernel_initializer", "bias_initializer"}));
  DenseSpec dense{.name = layer.name};
  ASSIGN_OR_RETURN(dense.units, ReadWidth(options, "units"));
  ASSIGN_OR_RETURN(dense.activation, ReadActivation(options));
  ASSIGN_OR_RETURN(dense.use_bias, ReadBool(options, "use_bias", true));
  ASSIGN_OR_RETURN(
      dense.kernel_initializer,
      ReadInitializer(options, "kernel_initializer", dense.kernel_initializer));
  ASSIGN_OR_RETURN(
      dense.bias_initializer,
      ReadInitializer(options, "bias_initializer", dense.bias_initializer));
  return dense;
}

Result<LayerSpec> ReadActivationLayer(const KerasLayer& layer) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"activation"}));
  ASSIGN_OR_RETURN(const Activation activation, ReadActivation(layer.options));
  return ActivationSpec{layer.name, activation};
}

Result<LayerSpec> ReadLayer(const KerasLayer& layer) {
  if (layer.class_name == "InputLayer") {
    return Fail("{} is an InputLayer; only the first layer can be one",
                layer.options.owner);
  }
  const bool known = layer.class_name == "Flatten" ||
                     layer.class_name == "Dense" ||
                     layer.class_name == "Activation";
  if (!known) {
    return Fail(
        "{} is a {}; batchsweep trains Dense, Flatten and Activation, remove "
        "or replace it",
        layer.options.owner, layer.class_name);
  }
  RETURN_IF_ERROR(CheckTrainsInFloat32(layer.options));
  if (layer.class_name == "Flatten") return ReadFlatten(layer);
  if (layer.class_name == "Dense") return ReadDense(layer);
  return ReadActivationLayer(layer);
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

Result<ModelSpec> ReadLayers(const Json& entries, const KerasOptions& options,
                             std::string_view origin) {
  ModelSpec model;
  std::map<std::string, int> unnamed;
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string place = std::format("{}: layers[{}]", origin, i);
    ASSIGN_OR_RETURN(const KerasLayer layer,
                     ReadKerasLayer(entries[i], place, origin, unnamed));
    const bool is_input = i == 0 && layer.class_name == "InputLayer";
    if (is_input) {
      RETURN_IF_ERROR(CheckInputLayer(layer));
    } else {
      ASSIGN_OR_RETURN(LayerSpec spec, ReadLayer(layer));
      model.layers.push_back(std::move(spec));
    }
    if (i == 0) {
      ASSIGN_OR_RETURN(model.input_shape, ReadInputShape(layer, options));
    }
  }
  return model;
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
  if (class_name != "Sequential") {
    return Fail("{}: is a {} model; batchsweep trains keras.Sequential models",
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
  return layers;
}

Result<ModelSpec> ReadModel(const Json& root, std::string_view origin) {
  ASSIGN_OR_RETURN(const Json* layers, FindLayers(root, origin));
  static const Json kNoConfig = Json::object();
  const Json& config = root["config"];
  const KerasOptions options{std::format("{}: model", origin),
                             config.is_object() ? config : kNoConfig};
  RETURN_IF_ERROR(CheckTrainsInFloat32(options));
  ASSIGN_OR_RETURN(ModelSpec model, ReadLayers(*layers, options, origin));
  model.name = StringAt(options.config, "name");
  if (model.name.empty()) model.name = "sequential";
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
