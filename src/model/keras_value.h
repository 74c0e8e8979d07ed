// A value of Keras' JSON, in the ways Keras has written it.
#ifndef BATCHSWEEP_MODEL_KERAS_VALUE_H_
#define BATCHSWEEP_MODEL_KERAS_VALUE_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "model/sliding_window.h"

namespace batchsweep {

// The value at `key`; null if that is absent or `object` is none, so that
// absent and null are one case.
const nlohmann::json& Field(const nlohmann::json& object, std::string_view key);

// Makes glorot_uniform and GlorotUniform one: "glorotuniform".
std::string FoldName(std::string_view name);

// The text at `key`; empty if that is absent or not text.
std::string StringAt(const nlohmann::json& object, const char* key);

// The text of `value` for a message: short, in one line, strings quoted.
std::string Describe(const nlohmann::json& value);

// Whether it is an integer in least .. most. REQUIRES: 0 <= least.
bool IsInteger(const nlohmann::json& value, int64_t least, int64_t most);

// Whether it is a number that a float32 can hold.
bool IsFloat(const nlohmann::json& value);

// A list as it is, or as Keras 2 writes a tuple or a TensorShape:
// {"class_name": "__tuple__", "items": [..]}.
const nlohmann::json& ListIn(const nlohmann::json& value);

// [height, width], each in least .. kMaxWidth, or one number for both; absent
// if it is anything else.
std::optional<Extent2D> ReadPair(const nlohmann::json& value, int64_t least);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_VALUE_H_
