#include "model/zoo.h"

#include <algorithm>
#include <array>

// #embed is C++26 and C23; clang offers it to C++23 and only warns that it
// does. It spares a build step that would turn JSON into source.
#pragma clang diagnostic ignored "-Wc23-extensions"

namespace batchsweep {
namespace {

constexpr char kMlp[] = {
#embed "zoo/mlp.json"
};
constexpr char kMlpWide[] = {
#embed "zoo/mlp-wide.json"
};

constexpr std::array kModels = {
    ZooModel{"mlp", {kMlp, sizeof(kMlp)}},
    ZooModel{"mlp-wide", {kMlpWide, sizeof(kMlpWide)}},
};

}  // namespace

std::span<const ZooModel> ZooModels() { return kModels; }

std::optional<ZooModel> FindZooModel(std::string_view name) {
  const auto found = std::ranges::find(kModels, name, &ZooModel::name);
  if (found == kModels.end()) return std::nullopt;
  return *found;
}

}  // namespace batchsweep
