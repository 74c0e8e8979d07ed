// Models and their weights.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "graph/kernel_chooser.h"
#include "graph/network_plan.h"
#include "kernels/kernels.h"
#include "model/keras_json.h"
#include "model/loss.h"
#include "model/safetensors.h"
#include "platform/cpu.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/fuzz/fuzzed_folder.h"
#include "util/check.h"
#include "util/enum_names.h"
#include "xnn/thread_pool.h"

namespace batchsweep {
namespace {

// Plans of larger ones take too long to make many of them.
constexpr int64_t kMostValues = 1 << 14;

bool IsSmall(const ModelSpec& model) {
  const auto is_small = [](const Shape& shape) {
    return shape.elements() <= kMostValues;
  };
  const auto params = ModelParams(model);
  return model.layers.size() <= 32 && is_small(model.input_shape) &&
         std::ranges::all_of(LayerOutputShapes(model), is_small) &&
         std::ranges::all_of(params, is_small, &ParamSpec::shape);
}

void Plan(const ModelSpec& model) {
  static ThreadPool pool(1);
  for (const Library library : EnumValues<Library>()) {
    PreferredKernels chooser(library);
    const auto plan =
        PlanNetwork(model, {.max_batch = 2, .optimizer_slots = 1},
                    {&KernelsFor(DetectCpu().value().isa), &pool, &chooser});
    if (plan) CHECK(plan->memory.arena_bytes() > 0);
  }
}

}  // namespace

void FuzzKerasJson(std::string_view bytes) {
  const auto model = ParseKerasJson(bytes, "fuzzed");
  if (!model) {
    CHECK(!model.error().message.empty());
    CHECK(!model.error().message.contains('\n'));
    return;
  }
  CHECK(CheckModel(*model, "fuzzed").has_value());
  if (CheckEnd(*model, Loss::kSparseCategoricalCrossentropy, "fuzzed") &&
      IsSmall(*model)) {
    Plan(*model);
  }
}

void FuzzSafetensors(std::string_view bytes) {
  static const FuzzedFolder folder({{"weights.safetensors", ""}});
  folder.WithOneReplaced('\0' + std::string(bytes), [] {
    const auto tensors = ReadSafetensors(folder.path() / "weights.safetensors");
    if (!tensors) return;
    std::set<std::string> names;
    for (const NamedTensor& tensor : *tensors) {
      CHECK(names.insert(tensor.name).second);
      CHECK(std::ssize(tensor.values) == tensor.shape.elements());
    }
  });
}

}  // namespace batchsweep
