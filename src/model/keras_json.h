// Keras JSON (model.to_json()) to ModelSpec. keras_*.cc, layers/*.cc and
// safetensors.cc are the only users of nlohmann-json in this folder.
//
//   keras_json         the text, the list of layers, the model of them
//   keras_graph        what each layer of a functional model reads
//   keras_layers       the class of a layer, which layers/ knows how to read
//   keras_options      one option, in all the ways Keras has written it
//   keras_value        one value of such an option
//   keras_initializer  the one option that takes more
#ifndef BATCHSWEEP_MODEL_KERAS_JSON_H_
#define BATCHSWEEP_MODEL_KERAS_JSON_H_

#include <string_view>

#include "model/model_spec.h"
#include "platform/error.h"

namespace batchsweep {

// Reads what Keras 2 and Keras 3 write of Sequential and functional models: the
// input shape as an InputLayer or on the first layer, as batch_input_shape or
// batch_shape; initialisers as a name, a class name or an object; layer names
// optional in a Sequential (Keras' own default names are then given: dense,
// dense_1, ...). A functional model that is a chain becomes one.
//
// `origin` names the text in errors: a path, or "zoo model mlp". Refused, each
// by the layer's name and the option: a layer or activation we do not train, an
// option that would change the result (a regulariser other than a kernel's L2,
// a constraint, a dtype other than float32, a frozen layer), connections that
// keras_graph.h refuses, and what CheckModel refuses. Whether the model's end
// fits a loss is CheckEnd's question.
Result<ModelSpec> ParseKerasJson(std::string_view json,
                                 std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_JSON_H_
