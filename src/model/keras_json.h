// Keras Sequential JSON (model.to_json()) to ModelSpec. keras_*.cc and
// safetensors.cc are the only users of nlohmann-json in this folder.
#ifndef BATCHSWEEP_MODEL_KERAS_JSON_H_
#define BATCHSWEEP_MODEL_KERAS_JSON_H_

#include <string_view>

#include "model/model_spec.h"
#include "platform/error.h"

namespace batchsweep {

// Reads what Keras 2 and Keras 3 write: the input shape as an InputLayer or on
// the first layer, as batch_input_shape or batch_shape; initialisers as a name,
// a class name or an object; layer names optional (Keras' own default names are
// then given: dense, dense_1, ...).
//
// `origin` names the text in errors: a path, or "zoo model mlp". Refused, each
// by the layer's name and the option: a layer or activation we do not train, an
// option that would change the result (a regulariser, a constraint, a dtype
// other than float32, a frozen layer), shapes that do not fit, softmax anywhere
// but last, a last layer that is neither softmax nor linear with at least 2
// units, two layers of one name.
Result<ModelSpec> ParseKerasJson(std::string_view json,
                                 std::string_view origin);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_JSON_H_
