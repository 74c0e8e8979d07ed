#include <format>
#include <print>

#include "cli/commands.h"
#include "cli/setup.h"
#include "model/describe.h"
#include "model/zoo.h"
#include "record/summary_table.h"

namespace batchsweep {

Result<int> ModelsCommand() {
  std::vector<std::vector<std::string>> rows = {
      {"model", "input", "weights", "layers"}};
  for (const ZooModel& zoo_model : ZooModels()) {
    ASSIGN_OR_RETURN(const ModelSpec model,
                     LoadModel(std::string(zoo_model.name)));
    int64_t parameters = 0;
    for (const ParamSpec& param : ModelParams(model)) {
      parameters += param.shape.elements();
    }
    rows.push_back({std::string(zoo_model.name), model.input_shape.ToString(),
                    std::to_string(parameters), SummarizeLayers(model)});
  }
  std::print("{}", AlignedTable(rows));
  return kExitValid;
}

Result<int> ShowModelCommand(const std::string& name) {
  const auto zoo_model = FindZooModel(name);
  if (!zoo_model) {
    return Fail("no zoo model \"{}\"; batchsweep models lists them", name);
  }
  std::print("{}", zoo_model->json);
  return kExitValid;
}

}  // namespace batchsweep
