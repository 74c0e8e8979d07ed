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

constexpr std::array<std::pair<std::string_view, Activation>, 6> kActivations =
    {{{"linear", Activation::kLinear},
      {"relu", Activation::kRelu},
      {"relu6", Activation::kRelu6},
      {"tanh", Activation::kTanh},
      {"sigmoid", Activation::kSigmoid},
      {"softmax", Activation::kSoftmax}}};

// What every layer has; its readers are CheckTrainsInFloat32 and
// ReadBatchShape.
constexpr std::array<std::string_view, 5> kCommonOptions = {
    "name", "trainable", "dtype", "batch_shape", "batch_input_shape"};

bool IsInteger(const Json& value, int64_t least, int64_t most) {
  return value.is_number_unsigned() &&
         value.get<uint64_t>() >= static_cast<uint64_t>(least) &&
         value.get<uint64_t>() <= static_cast<uint64_t>(most);
}

bool IsFloat(const Json& value) {
  return value.is_number() &&
         std::abs(value.get<double>()) <= std::numeric_limits<float>::max();
}

// A list as it is, or as Keras 2 writes a tuple or a TensorShape:
// {"class_name": "__tuple__", "items": [..]}.
const Json& ListIn(const Json& value) {
  return value.is_object() ? Field(value, "items") : value;
}

// [height, width], each in least .. kMaxWidth, or one number for both.
std::optional<Extent2D> ReadPair(const Json& value, int64_t least) {
  if (IsInteger(value, least, kMaxWidth)) {
    return Extent2D{value.get<int64_t>(), value.get<int64_t>()};
  }
  const Json& list = ListIn(value);
  if (!list.is_array() || list.size() != 2 ||
      !IsInteger(list[0], least, kMaxWidth) ||
      !IsInteger(list[1], least, kMaxWidth)) {
    return std::nullopt;
  }
  return Extent2D{list[0].get<int64_t>(), list[1].get<int64_t>()};
}

// A policy object {"class_name": "DTypePolicy", "config": {"name": ..}}, or
// the name itself.
std::string DtypeName(const Json& dtype) {
  if (dtype.is_string()) return dtype.get<std::string>();
  return StringAt(Field(dtype, "config"), "name");
}

}  // namespace

const Json& Field(const Json& object, std::string_view key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string FoldName(std::string_view name) {
  std::string folded;
  for (const char c : name) {
    if (c == '_') continue;
    folded += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return folded;
}

std::string StringAt(const Json& object, const char* key) {
  const Json& value = Field(object, key);
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

Result<int64_t> ReadWidth(const KerasOptions& options, const char* key,
                          std::optional<int64_t> fallback) {
  const Json& value = Field(options.config, key);
  if (value.is_null() && fallback) return *fallback;
  if (!IsInteger(value, 1, kMaxWidth)) {
    return Fail("{}: {} is {}, expected an integer from 1 to {}", options.owner,
                key, Describe(value), kMaxWidth);
  }
  return value.get<int64_t>();
}

Result<float> ReadNumber(const KerasOptions& options, const char* key,
                         float fallback) {
  const Json& value = Field(options.config, key);
  if (value.is_null()) return fallback;
  if (!IsFloat(value)) {
    return Fail("{}: {} is {}, expected a float32 number", options.owner, key,
                Describe(value));
  }
  return value.get<float>();
}

Result<Extent2D> ReadExtent(const KerasOptions& options, const char* key,
                            std::optional<Extent2D> fallback) {
  const Json& value = Field(options.config, key);
  if (value.is_null() && fallback) return *fallback;
  const auto extent = ReadPair(value, 1);
  if (extent) return *extent;
  return Fail("{}: {} is {}, expected [height, width] of integers from 1 to {}",
              options.owner, key, Describe(value), kMaxWidth);
}

Result<Padding> ReadPadding(const KerasOptions& options) {
  const Json& value = Field(options.config, "padding");
  if (value.is_null() || value == Json("valid")) return Padding::kValid;
  if (value == Json("same")) return Padding::kSame;
  return Fail("{}: padding is {}, expected \"valid\" or \"same\"",
              options.owner, Describe(value));
}

Result<std::array<Extent2D, 2>> ReadZeroPadding(const KerasOptions& options) {
  const Json& value = Field(options.config, "padding");
  if (const auto pair = ReadPair(value, 0)) {
    return std::array{Extent2D{pair->height, pair->width}, *pair};
  }
  const Json& list = ListIn(value);
  if (list.is_array() && list.size() == 2) {
    const auto rows = ReadPair(list[0], 0);
    const auto columns = ReadPair(list[1], 0);
    if (rows && columns) {
      return std::array{Extent2D{rows->height, columns->height},
                        Extent2D{rows->width, columns->width}};
    }
  }
  return Fail(
      "{}: padding is {}, expected an integer, [height, width] or "
      "[[top, bottom], [left, right]]",
      options.owner, Describe(value));
}

Result<bool> ReadBool(const KerasOptions& options, const char* key,
                      bool fallback) {
  const Json& value = Field(options.config, key);
  if (value.is_null()) return fallback;
  if (!value.is_boolean()) {
    return Fail("{}: {} is {}, expected true or false", options.owner, key,
                Describe(value));
  }
  return value.get<bool>();
}

Result<Activation> ReadActivation(const KerasOptions& options) {
  const Json* value = &Field(options.config, "activation");
  while (value->is_object()) {
    const std::string class_name = StringAt(*value, "class_name");
    if (class_name == "function") {
      value = &Field(*value, "config");
    } else if (class_name == "Activation") {
      value = &Field(Field(*value, "config"), "activation");
    } else {
      break;
    }
  }
  if (value->is_null()) return Activation::kLinear;
  if (value->is_string()) {
    const auto& name = value->get_ref<const std::string&>();
    const auto found = std::ranges::find(
        kActivations, name, &decltype(kActivations)::value_type::first);
    if (found != kActivations.end()) return found->second;
    if (name == "leaky_relu") {
      return Fail("{}: activation is \"leaky_relu\"; put a LeakyReLU behind it",
                  options.owner);
    }
  }
  return Fail(
      "{}: activation {} is not one batchsweep trains; use linear, relu, "
      "relu6, "
      "tanh, sigmoid or softmax",
      options.owner, Describe(*value));
}

Result<Shape> ReadBatchShape(const KerasOptions& options, const char* key) {
  const Json& value = Field(options.config, key);
  const Json& dims = ListIn(value);
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
    if (!IsInteger(dims[i], 1, kMaxWidth / elements)) {
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

Result<Shape> ReadTargetShape(const KerasOptions& options, const Shape& input) {
  const Json& value = Field(options.config, "target_shape");
  const Json& dims = ListIn(value);
  if (!dims.is_array() || dims.empty() || dims.size() > 3) {
    return Fail("{}: target_shape is {}, expected a list of 1 to 3 integers",
                options.owner,
                dims.is_array() ? std::format("a list of {}", dims.size())
                                : Describe(dims));
  }
  Shape shape;
  int64_t known = 1;
  int64_t* open = nullptr;
  shape.dims.resize(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == Json(-1) && open == nullptr) {
      open = &shape.dims[i];
    } else if (IsInteger(dims[i], 1, kMaxWidth / known)) {
      shape.dims[i] = dims[i].get<int64_t>();
      known *= shape.dims[i];
    } else {
      return Fail(
          "{}: target_shape has dimension {}; expected integers from 1, {} "
          "values in all at most, and one -1 at most",
          options.owner, Describe(dims[i]), kMaxWidth);
    }
  }
  if (open == nullptr) return shape;
  if (input.elements() % known != 0) {
    return Fail(
        "{}: target_shape leaves -1 to fit {} values in rows of {}; make it "
        "divide them",
        options.owner, input.elements(), known);
  }
  *open = input.elements() / known;
  return shape;
}

Result<float> ReadL2(const KerasOptions& options, const char* key) {
  const Json& value = Field(options.config, key);
  if (value.is_null()) return 0.0f;
  const std::string name = FoldName(StringAt(value, "class_name"));
  const Json& config = Field(value, "config");
  const Json& l1 = Field(config, "l1");
  if ((name != "l2" && name != "l1l2") ||
      !(l1.is_null() || (l1.is_number() && l1.get<double>() == 0.0))) {
    return Fail("{}: {} is {}; batchsweep trains L2 alone, remove the rest",
                options.owner, key, Describe(value));
  }
  const Json& l2 = Field(config, "l2");
  if (!IsFloat(l2) || l2.get<double>() < 0.0) {
    return Fail("{}: {}: l2 is {}, expected a float32 number from 0",
                options.owner, key, Describe(l2));
  }
  return l2.get<float>();
}

Status CheckLastAxis(const KerasOptions& options, const Shape& input) {
  const Json& value = Field(options.config, "axis");
  const Json& list = ListIn(value);
  const Json& axis = list.is_array() && list.size() == 1 ? list[0] : value;
  if (axis.is_null() || axis == Json(-1) || axis == Json(input.dims.size())) {
    return {};
  }
  return Fail("{}: axis is {}, expected the last, -1", options.owner,
              Describe(axis));
}

Status CheckChannelsLast(const KerasOptions& options) {
  const Json& value = Field(options.config, "data_format");
  if (value.is_null() || value == Json("channels_last")) return {};
  return Fail("{}: data_format is {}, expected \"channels_last\"",
              options.owner, Describe(value));
}

Status CheckTrainsInFloat32(const KerasOptions& options) {
  ASSIGN_OR_RETURN(const bool trainable, ReadBool(options, "trainable", true));
  if (!trainable) {
    return Fail(
        "{}: trainable is false; batchsweep trains every layer, set it "
        "to true",
        options.owner);
  }
  const Json& dtype = Field(options.config, "dtype");
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
