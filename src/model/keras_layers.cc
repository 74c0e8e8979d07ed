#include "model/keras_layers.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <span>
#include <utility>
#include <variant>

namespace batchsweep {
namespace {

template <size_t... kLayers>
std::vector<KerasClass> ClassesOf(std::index_sequence<kLayers...>) {
  std::vector<KerasClass> classes;
  for (const std::span<const KerasClass> of_layer :
       {std::variant_alternative_t<kLayers, LayerSpec>::KerasClasses()...}) {
    classes.insert(classes.end(), of_layer.begin(), of_layer.end());
  }
  return classes;
}

std::string NamesOf(const std::vector<KerasClass>& classes) {
  std::string names;
  for (const KerasClass& known : classes) {
    names += std::format("{}{}", names.empty() ? "" : ", ", known.name);
  }
  return names;
}

}  // namespace

std::vector<KerasClass> AllKerasClasses() {
  std::vector<KerasClass> classes =
      ClassesOf(std::make_index_sequence<std::variant_size_v<LayerSpec>>());
  std::ranges::sort(classes, {}, &KerasClass::name);
  return classes;
}

Result<LayerSpec> ReadLayer(const KerasLayer& layer,
                            const std::vector<Shape>& inputs) {
  static const std::vector<KerasClass> classes = AllKerasClasses();
  const auto known =
      std::ranges::find(classes, layer.class_name, &KerasClass::name);
  if (known == classes.end()) {
    return Fail("{} is a {}; remove or replace it, batchsweep trains {}",
                layer.options.owner, layer.class_name, NamesOf(classes));
  }
  RETURN_IF_ERROR(CheckTrainsInFloat32(layer.options));
  return known->read(layer, inputs);
}

}  // namespace batchsweep
