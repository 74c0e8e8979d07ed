// Texts that describe a model's layers to people.
#ifndef BATCHSWEEP_MODEL_DESCRIBE_H_
#define BATCHSWEEP_MODEL_DESCRIBE_H_

#include <string>
#include <vector>

#include "model/model_spec.h"

namespace batchsweep {

// One text a layer, "dense: Dense 64 relu"; what is at its default is left out.
std::vector<std::string> DescribeLayers(const ModelSpec& model);

// The whole model in a line: the layers without their names, or of a deep
// model how many there are of each class.
std::string SummarizeLayers(const ModelSpec& model);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_DESCRIBE_H_
