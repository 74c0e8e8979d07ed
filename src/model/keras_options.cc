#include "model/keras_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace batchsweep {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, Activation>, 5> kActivations =
    {{{"linear", Activation::kLinear},
      {"relu", Activation::kRelu},
      {"tanh", Activation::kTanh},
      {"sigmoid", Activation::kSigmoid},
      {"softmax", Activation::kSoftmax}}};

// What every layer has; its readers are CheckTrainsInFloat32 and
// ReadBatchShape.
constexpr std::array<std::string_view, 5> kCommonOptions = {
    "name", "trainable", "dtype", "batch_shape", "batch_input_shape"};

// Names as FoldName() leaves them.
constexpr std::array<std::pair<std::string_view, Initializer::Kind>, 8>
    kInitializers = {{{"zeros", Initializer::Kind::kZeros},
                      {"zero", Initializer::Kind::kZeros},
                      {"ones", Initializer::Kind::kOnes},
                      {"one", Initializer::Kind::kOnes},
                      {"glorotuniform", Initializer::Kind::kGlorotUniform},
                      {"glorotnormal", Initializer::Kind::kGlorotNormal},
                      {"heuniform", Initializer::Kind::kHeUniform},
                      {"henormal", Initializer::Kind::kHeNormal}}};

template <class Table>
auto Lookup(const Table& table, std::string_view name)
    -> std::optional<typename Table::value_type::second_type> {
  for (const auto& [known, value] : table) {
    if (known == name) return value;
  }
  return std::nullopt;
}

// Makes glorot_uniform and GlorotUniform one.
std::string FoldName(std::string_view name) {
  std::string folded;
  for (const char c : name) {
    if (c == '_') continue;
    folded += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return folded;
}

// Null for an absent key, so that absent and null are one case.
const Json& Find(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

double NumberAt(const Json& object, const char* key, double fallback) {
  const Json& value = Find(object, key);
  return value.is_number() ? value.get<double>() : fallback;
}

bool IsWidth(const Json& value, int64_t most) {
  return value.is_number_unsigned() && value.get<uint64_t>() >= 1 &&
         value.get<uint64_t>() <= static_cast<uint64_t>(most);
}

// Keras' VarianceScaling, which older versions write for the initialisers made
// from it. Its "normal" has been the truncated one all along.
std::optional<Initializer::Kind> VarianceScalingKind(const Json& config) {
  const double scale = NumberAt(config, "scale", 1.0);
  const std::string mode = StringAt(config, "mode");
  const std::string distribution = StringAt(config, "distribution");
  const bool uniform = distribution == "uniform";
  if (!uniform && distribution != "normal" &&
      distribution != "truncated_normal") {
    return std::nullopt;
  }
  if (scale == 1.0 && mode == "fan_avg") {
    return uniform ? Initializer::Kind::kGlorotUniform
                   : Initializer::Kind::kGlorotNormal;
  }
  if (scale == 2.0 && mode == "fan_in") {
    return uniform ? Initializer::Kind::kHeUniform
                   : Initializer::Kind::kHeNormal;
  }
  return std::nullopt;
}

Result<Initializer> ReadConstant(const KerasOptions& options) {
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"value", "dtype"}));
  const Json& value = Find(options.config, "value");
  const double number = NumberAt(options.config, "value", 0.0);
  if (!(value.is_null() || value.is_number()) ||
      std::abs(number) > std::numeric_limits<float>::max()) {
    return Fail("{}: value is {}, expected a float32 number", options.owner,
                Describe(value));
  }
  return Initializer{.kind = Initializer::Kind::kConstant,
                     .value = static_cast<float>(number)};
}

Result<Initializer> ReadVarianceScaling(const KerasOptions& options) {
  RETURN_IF_ERROR(RefuseOtherOptions(
      options, {"scale", "mode", "distribution", "seed", "dtype"}));
  const auto kind = VarianceScalingKind(options.config);
  if (kind) return Initializer{.kind = *kind};
  return Fail(
      "{} is a VarianceScaling that is neither Glorot's (scale 1, fan_avg) nor "
      "He's (scale 2, fan_in); use one of them",
      options.owner);
}

// A policy object {"class_name": "DTypePolicy", "config": {"name": ..}}, or
// the name itself.
std::string DtypeName(const Json& dtype) {
  if (dtype.is_string()) return dtype.get<std::string>();
  return StringAt(Find(dtype, "config"), "name");
}

}  // namespace

std::string StringAt(const Json& object, const char* key) {
  const Json& value = Find(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string Describe(const Json& value) {
  if (value.is_object()) {
    const std::string class_name = StringAt(value, "class_name");
    return class_name.empty() ? "an object" : Describe(class_name);
  }
  if (value.is_array()) return "a list";
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<int64_t> ReadWidth(const KerasOptions& options, const char* key) {
  const Json& value = Find(options.config, key);
  if (!IsWidth(value, kMaxWidth)) {
    return Fail("{}: {} is {}, expected an integer from 1 to {}", options.owner,
                key, Describe(value), kMaxWidth);
  }
  return value.get<int64_t>();
}

Result<bool> ReadBool(const KerasOptions& options, const char* key,
                      bool fallback) {
  const Json& value = Find(options.config, key);
  if (value.is_null()) return fallback;
  if (!value.is_boolean()) {
    return Fail("{}: {} is {}, expected true or false", options.owner, key,
                Describe(value));
  }
  return value.get<bool>();
}

Result<Activation> ReadActivation(const KerasOptions& options) {
  const Json* value = &Find(options.config, "activation");
  while (value->is_object()) {
    const std::string class_name = StringAt(*value, "class_name");
    if (class_name == "function") {
      value = &Find(*value, "config");
    } else if (class_name == "Activation") {
      value = &Find(Find(*value, "config"), "activation");
    } else {
      break;
    }
  }
  if (value->is_null()) return Activation::kLinear;
  if (value->is_string()) {
    const auto activation =
        Lookup(kActivations, value->get_ref<const std::string&>());
    if (activation) return *activation;
  }
  return Fail(
      "{}: activation {} is not one batchsweep trains; use linear, relu, tanh, "
      "sigmoid or softmax",
      options.owner, Describe(*value));
}

Result<Initializer> ReadInitializer(const KerasOptions& options,
                                    const char* key, Initializer fallback) {
  static const Json kNoConfig = Json::object();
  const Json& value = Find(options.config, key);
  if (value.is_null()) return fallback;
  const Json& config = Find(value, "config");
  const KerasOptions inner{std::format("{}: {}", options.owner, key),
                           config.is_object() ? config : kNoConfig};
  const std::string name =
      FoldName(value.is_string() ? value.get_ref<const std::string&>()
                                 : StringAt(value, "class_name"));
  if (name == "constant") return ReadConstant(inner);
  if (name == "variancescaling") return ReadVarianceScaling(inner);
  const auto kind = Lookup(kInitializers, name);
  if (!kind) {
    return Fail(
        "{} {} is not one batchsweep draws; use zeros, ones, constant, "
        "glorot_uniform, glorot_normal, he_uniform or he_normal",
        inner.owner, Describe(value));
  }
  RETURN_IF_ERROR(RefuseOtherOptions(inner, {"seed", "dtype"}));
  return Initializer{.kind = *kind};
}

Result<Shape> ReadBatchShape(const KerasOptions& options, const char* key) {
  const Json& value = Find(options.config, key);
  // Keras' H5 metadata write {"class_name": "TensorShape", "items": [..]}.
  const Json& dims = value.is_object() ? Find(value, "items") : value;
  if (!dims.is_array() || dims.size() < 2 || dims.size() > 4) {
    return Fail(
        "{}: {} is {}, expected [null, H, W], [null, H, W, C] or "
        "[null, C]",
        options.owner, key,
        dims.is_array() ? std::format("a list of {}", dims.size())
                        : Describe(dims));
  }
  Shape shape;
  int64_t elements = 1;
  for (size_t i = 1; i < dims.size(); ++i) {
    if (!IsWidth(dims[i], kMaxWidth / elements)) {
      return Fail(
          "{}: {} has dimension {}; all but the first must be integers from 1, "
          "{} values in all at most",
          options.owner, key, Describe(dims[i]), kMaxWidth);
    }
    shape.dims.push_back(dims[i].get<int64_t>());
    elements *= shape.dims.back();
  }
  return shape;
}

Status CheckTrainsInFloat32(const KerasOptions& options) {
  ASSIGN_OR_RETURN(const bool trainable, ReadBool(options, "trainable", true));
  if (!trainable) {
    return Fail(
        "{}: trainable is false; batchsweep trains every layer, set it "
        "to true",
        options.owner);
  }
  const Json& dtype = Find(options.config, "dtype");
  const std::string name = DtypeName(dtype);
  if (!dtype.is_null() && name != "float32") {
    return Fail("{}: dtype is {}; batchsweep trains in float32", options.owner,
                name.empty() ? Describe(dtype) : Describe(name));
  }
  return {};
}

Status RefuseOtherOptions(const KerasOptions& options,
                          std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : options.config.items()) {
    if (value.is_null() || value == Json(false)) continue;
    if (std::ranges::contains(known, key)) continue;
    if (std::ranges::contains(kCommonOptions, key)) continue;
    return Fail("{}: option {} is {}; batchsweep trains without it, remove it",
                options.owner, Describe(key), Describe(value));
  }
  return {};
}

}  // namespace batchsweep
