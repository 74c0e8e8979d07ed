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
#include <string>
#include <string_view>

#include "model/model_spec.h"
#include "platform/error.h"

namespace batchsweep {

struct KerasOptions {
  std::string owner;             // model.json: layer "dense"
  const nlohmann::json& config;  // REQUIRES: an object that outlives this
};

// The text at `key`; empty if that is absent or not text.
std::string StringAt(const nlohmann::json& object, const char* key);

// The text of `value` for a message: short, in one line, strings quoted.
std::string Describe(const nlohmann::json& value);

// Refuses what is absent or not an integer in 1 .. kMaxWidth.
Result<int64_t> ReadWidth(const KerasOptions& options, const char* key);

Result<bool> ReadBool(const KerasOptions& options, const char* key,
                      bool fallback);

// A name, or an object around one: {"class_name": "function", "config":
// "relu"}, {"class_name": "Activation", "config": {"activation": "relu"}}.
Result<Activation> ReadActivation(const KerasOptions& options);

// A name in either spelling (glorot_uniform, GlorotUniform) or an object with
// its config. A VarianceScaling that equals one we know is that one. A seed is
// passed over: the run's own decides.
Result<Initializer> ReadInitializer(const KerasOptions& options,
                                    const char* key, Initializer fallback);

// A shape whose first entry is the batch; that one is passed over, as the
// sweep sets it.
Result<Shape> ReadBatchShape(const KerasOptions& options, const char* key);

// Refuses trainable false and a dtype other than float32.
Status CheckTrainsInFloat32(const KerasOptions& options);

// Refuses by name each option that is neither null nor false, nor in `known`,
// nor one every layer has: a regulariser, a constraint, one of a Keras to come.
Status RefuseOtherOptions(const KerasOptions& options,
                          std::initializer_list<std::string_view> known);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_OPTIONS_H_
