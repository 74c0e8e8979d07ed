// Structs with fields (util/fields.h) as JSON objects, and back. An absent
// value is null. So is a number that is not finite, which JSON cannot say: it
// reads back as NaN. The only header of record/ and sweep/ that knows the
// library.
#ifndef BATCHSWEEP_RECORD_JSON_H_
#define BATCHSWEEP_RECORD_JSON_H_

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "util/fields.h"

namespace batchsweep {

using Json = nlohmann::ordered_json;

// Discarded if the text is no JSON. What is nested deeper than any file of ours
// is left out, since copies of it take as many calls within each other.
inline Json ParseJson(std::string_view text) {
  return Json::parse(
      text, [](int depth, Json::parse_event_t, Json&) { return depth <= 64; },
      /*allow_exceptions=*/false);
}

// 0.001f as 0.001, not as 0.0010000000474974513.
inline double AsWritten(float value) {
  char text[32];
  const char* const end = std::to_chars(text, text + sizeof text, value).ptr;
  double read = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(text, end, read);
  return read;
}

template <class Value>
concept IsOptional = requires(const Value& value) { value.has_value(); };
template <class Value>
concept IsArray = requires { std::tuple_size<Value>::value; };
template <class Value>
concept IsVector = requires(Value value) { value.emplace_back(); };

// Structs as objects, vectors and std::array as arrays, enums by their
// NameOf().
template <class Value>
Json ToJson(const Value& value) {
  if constexpr (IsOptional<Value>) {
    return value ? ToJson(*value) : Json();
  } else if constexpr (HasFields<Value>) {
    Json object = Json::object();
    ForEachField(value, [&](std::string_view name, const auto& field) {
      object[std::string(name)] = ToJson(field);
    });
    return object;
  } else if constexpr (IsVector<Value> || IsArray<Value>) {
    Json array = Json::array();
    for (const auto& element : value) array.push_back(ToJson(element));
    return array;
  } else if constexpr (std::is_enum_v<Value>) {
    return NameOf(value);
  } else if constexpr (std::is_same_v<Value, float>) {
    return AsWritten(value);
  } else {
    return value;
  }
}

// Whether `json` is a number, text or truth value as a Value is one.
template <class Value>
bool IsScalar(const Json& json) {
  if constexpr (std::is_same_v<Value, bool>) return json.is_boolean();
  if constexpr (std::is_same_v<Value, std::string>) return json.is_string();
  if constexpr (std::is_integral_v<Value>) return json.is_number_integer();
  return json.is_number();
}

// Reads what ToJson() made. False if `json` is of another kind, or an object
// lacks a field; `value` is then half read.
template <class Value>
bool FromJson(const Json& json, Value& value) {
  if constexpr (IsOptional<Value>) {
    value.reset();
    return json.is_null() || FromJson(json, value.emplace());
  } else if constexpr (HasFields<Value>) {
    bool read = json.is_object();
    ForEachField(value, [&](std::string_view name, auto& field) {
      const auto found = read ? json.find(name) : json.end();
      read = read && found != json.end() && FromJson(*found, field);
    });
    return read;
  } else if constexpr (IsArray<Value>) {
    if (!json.is_array() || json.size() != value.size()) return false;
    auto element = value.begin();
    return std::ranges::all_of(
        json, [&](const Json& part) { return FromJson(part, *element++); });
  } else if constexpr (IsVector<Value>) {
    value.clear();
    return json.is_array() &&
           std::ranges::all_of(json, [&](const Json& element) {
             return FromJson(element, value.emplace_back());
           });
  } else {
    if constexpr (std::is_floating_point_v<Value>) {
      value = std::numeric_limits<Value>::quiet_NaN();
      if (json.is_null()) return true;
    }
    if (!IsScalar<Value>(json)) return false;
    json.get_to(value);
    return true;
  }
}

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_JSON_H_
