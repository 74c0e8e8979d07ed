#include "model/keras_options.h"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>

#include "model/keras_value.h"
#include "model/limits.h"
#include "util/enum_names.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;

// Options that every layer has. CheckTrainsInFloat32 and ReadBatchShape read
// them, so that no layer has to know them.
constexpr std::array<std::string_view, 5> kCommonOptions = {
    "name", "trainable", "dtype", "batch_shape", "batch_input_shape"};

// The name in a policy object {"class_name": "DTypePolicy", "config": {"name":
// ..}}, or the name itself.
std::string DtypeName(const Json& dtype) {
  if (dtype.is_string()) return dtype.get<std::string>();
  return StringAt(Field(dtype, "config"), "name");
}

}  // namespace

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
              options.owner, key, Describe(value), kMaxExtent);
}

Result<Padding> ReadPadding(const KerasOptions& options) {
  const Json& value = Field(options.config, "padding");
  if (value.is_null()) return Padding::kValid;
  for (const Padding padding : {Padding::kValid, Padding::kSame}) {
    if (value == Json(NameOf(padding))) return padding;
  }
  return Fail("{}: padding is {}, expected \"valid\" or \"same\"",
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
    if (name == NameOf(Activation::kLeakyRelu)) {
      return Fail("{}: activation is \"leaky_relu\"; put a LeakyReLU behind it",
                  options.owner);
    }
    if (const auto found = ParseEnum<Activation>(name)) return *found;
  }
  return Fail(
      "{}: activation {} is not one batchsweep trains; use linear, relu, "
      "relu6, tanh, sigmoid or softmax",
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
