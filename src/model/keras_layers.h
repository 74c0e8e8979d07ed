// One layer of a Keras model to a LayerSpec.
#ifndef BATCHSWEEP_MODEL_KERAS_LAYERS_H_
#define BATCHSWEEP_MODEL_KERAS_LAYERS_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "model/keras_options.h"
#include "model/layer_spec.h"
#include "platform/error.h"
#include "util/shape.h"

namespace batchsweep {

// A layer as it is written: {"class_name": .., "config": {..}, ..}.
struct KerasLayer {
  std::string class_name;
  std::string name;
  KerasOptions options;
  const nlohmann::json& entry;  // all of it; REQUIRES: as options.config
};

// A class of Keras, and the function that reads a layer of that class. It is
// called as ReadLayer() is, after the checks that are common to all classes.
struct KerasClass {
  std::string_view name;
  Result<LayerSpec> (*read)(const KerasLayer& layer,
                            const std::vector<Shape>& inputs);
};

// The classes of all layers, sorted by name.
std::vector<KerasClass> AllKerasClasses();

// `inputs` are the shapes that the layer reads, at least one: they resolve a
// Reshape's -1 and tell which axis is the last. Whether the layer can take them
// is not checked here. Refused by name: a class that is not trained, and each
// option that would change the result.
Result<LayerSpec> ReadLayer(const KerasLayer& layer,
                            const std::vector<Shape>& inputs);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_KERAS_LAYERS_H_
