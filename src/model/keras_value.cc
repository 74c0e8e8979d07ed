#include "model/keras_value.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "model/limits.h"

namespace batchsweep {

using Json = nlohmann::json;

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

bool IsInteger(const Json& value, int64_t least, int64_t most) {
  return value.is_number_unsigned() &&
         value.get<uint64_t>() >= static_cast<uint64_t>(least) &&
         value.get<uint64_t>() <= static_cast<uint64_t>(most);
}

bool IsFloat(const Json& value) {
  return value.is_number() &&
         std::abs(value.get<double>()) <= std::numeric_limits<float>::max();
}

const Json& ListIn(const Json& value) {
  return value.is_object() ? Field(value, "items") : value;
}

std::optional<Extent2D> ReadPair(const Json& value, int64_t least) {
  if (IsInteger(value, least, kMaxExtent)) {
    return Extent2D{value.get<int64_t>(), value.get<int64_t>()};
  }
  const Json& list = ListIn(value);
  if (!list.is_array() || list.size() != 2 ||
      !IsInteger(list[0], least, kMaxExtent) ||
      !IsInteger(list[1], least, kMaxExtent)) {
    return std::nullopt;
  }
  return Extent2D{list[0].get<int64_t>(), list[1].get<int64_t>()};
}

}  // namespace batchsweep
