#include <format>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "model/describe.h"
#include "model/zoo.h"

namespace batchsweep {

Result<int> ModelsCommand() {
  constexpr const char* kRow = "{:<16}  {:>7}  {:>7}  {}\n";
  constexpr size_t kLayersColumn = 16 + 2 + 7 + 2 + 7 + 2;
  PrintOutput(kRow, "model", "input", "weights", "layers");
  PrintOutput(kRow, std::string(16, '-'), std::string(7, '-'),
              std::string(7, '-'),
              std::string(kTerminalColumns - kLayersColumn, '-'));
  for (const ZooModel& zoo_model : ZooModels()) {
    ASSIGN_OR_RETURN(const LoadedModel model,
                     LoadModel(std::string(zoo_model.name)));
    int64_t parameters = 0;
    for (const ParamSpec& param : ModelParams(model.spec)) {
      parameters += param.shape.elements();
    }
    PrintOutput(kRow, zoo_model.name, model.spec.input_shape.ToString(),
                parameters,
                Wrapped(SummarizeLayers(model.spec), kLayersColumn));
  }
  return kExitValid;
}

Result<int> ShowModelCommand(const std::string& name) {
  const auto zoo_model = FindZooModel(name);
  if (!zoo_model) {
    return Fail("no zoo model \"{}\"; batchsweep models lists them", name);
  }
  WriteOutput(zoo_model->json);
  return kExitValid;
}

}  // namespace batchsweep
