// The options of one Keras object, a layer or the model: its "config".
//
// Keras has written most of them in several ways; each is read here into the
// one value that is meant. Options absent or null have Keras' default. Every
// error begins with the owner and names the option.
#ifndef BATCHSWEEP_MODEL_KERAS_OPTIONS_H_
#define BATCHSWEEP_MODEL_KERAS_OPTIONS_H_

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "model/activation.h"
#include "model/sliding_window.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

struct KerasOptions {
  std::string owner;             // model.json: layer "dense"
  const nlohmann::json& config;  // REQUIRES: an object that outlives this
};

// Refuses a value that is no integer in 1 .. kMaxWidth, and an absent one if
// there is no fallback.
Result<int64_t> ReadWidth(const KerasOptions& options, const char* key,
                          std::optional<int64_t> fallback = std::nullopt);

Result<float> ReadNumber(const KerasOptions& options, const char* key,
                         float fallback);

Result<bool> ReadBool(const KerasOptions& options, const char* key,
                      bool fallback);

// Reads a name, or an object around one: {"class_name": "function", "config":
// "relu"}, {"class_name": "Activation", "config": {"activation": "relu"}}.
Result<Activation> ReadActivation(const KerasOptions& options);

// [height, width], or one number for both; each as ReadWidth().
Result<Extent2D> ReadExtent(const KerasOptions& options, const char* key,
                            std::optional<Extent2D> fallback = std::nullopt);

// Reads "valid" or "same"; "valid" if absent.
Result<Padding> ReadPadding(const KerasOptions& options);

// Reads a shape whose first entry is the batch size, which is passed over
// because the sweep sets it.
Result<Shape> ReadBatchShape(const KerasOptions& options, const char* key);

// The factor of a regulariser, L2 or an L1L2 whose l1 is 0; 0 if there is none.
Result<float> ReadL2(const KerasOptions& options, const char* key);

// Refuses an axis other than the last of `input`: -1, or its number when the
// batch's is 0.
Status CheckLastAxis(const KerasOptions& options, const Shape& input);

Status CheckChannelsLast(const KerasOptions& options);

// Refuses trainable false and a dtype other than float32.
Status CheckTrainsInFloat32(const KerasOptions& options);

// Refuses by name each option that is neither null nor false, nor in `known`,
// nor one every layer has: a regulariser, a constraint, one of a Keras to come.
Status RefuseOtherOptions(const KerasOptions& options,
                          std::initializer_list<std::string_view> known);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_OPTIONS_H_
