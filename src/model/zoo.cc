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

constexpr char kCnn[] = {
#embed "zoo/cnn.json"
};
constexpr char kLenet5[] = {
#embed "zoo/lenet5.json"
};
constexpr char kResnet8[] = {
#embed "zoo/resnet8.json"
};
constexpr char kDsCnn[] = {
#embed "zoo/ds-cnn.json"
};
constexpr char kMobilenet[] = {
#embed "zoo/mobilenet-v1-025.json"
};
constexpr char kAutoencoder[] = {
#embed "zoo/autoencoder.json"
};

constexpr std::array kModels = {
    ZooModel{"mlp", {kMlp, sizeof(kMlp)}},
    ZooModel{"mlp-wide", {kMlpWide, sizeof(kMlpWide)}},
    ZooModel{"cnn", {kCnn, sizeof(kCnn)}},
    ZooModel{"lenet5", {kLenet5, sizeof(kLenet5)}},
    ZooModel{"resnet8", {kResnet8, sizeof(kResnet8)}},
    ZooModel{"ds-cnn", {kDsCnn, sizeof(kDsCnn)}},
    ZooModel{"mobilenet-v1-025", {kMobilenet, sizeof(kMobilenet)}},
    ZooModel{"autoencoder", {kAutoencoder, sizeof(kAutoencoder)}},
};

}  // namespace

std::span<const ZooModel> ZooModels() { return kModels; }

std::optional<ZooModel> FindZooModel(std::string_view name) {
  const auto found = std::ranges::find(kModels, name, &ZooModel::name);
  if (found == kModels.end()) return std::nullopt;
  return *found;
}

}  // namespace batchsweep
