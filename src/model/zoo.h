// The models that come with the program: Keras JSON files of src/model/zoo,
// embedded when it is built.
#ifndef BATCHSWEEP_MODEL_ZOO_H_
#define BATCHSWEEP_MODEL_ZOO_H_

#include <optional>
#include <span>
#include <string_view>

namespace batchsweep {

struct ZooModel {
  std::string_view name;
  std::string_view json;
};

std::span<const ZooModel> ZooModels();

// Absent if there is no model of that name.
std::optional<ZooModel> FindZooModel(std::string_view name);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_ZOO_H_
