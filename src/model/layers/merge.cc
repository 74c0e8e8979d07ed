#include "model/layers/merge.h"

#include <algorithm>

#include "model/keras_layers.h"

namespace batchsweep {
namespace {

std::span<const int64_t> AllButLast(const Shape& shape) {
  return std::span(shape.dims).first(shape.dims.size() - 1);
}

Result<LayerSpec> ReadAdd(const KerasLayer& layer, const std::vector<Shape>&) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {}));
  return AddSpec{layer.name};
}

Result<LayerSpec> ReadConcatenate(const KerasLayer& layer,
                                  const std::vector<Shape>& inputs) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"axis"}));
  RETURN_IF_ERROR(CheckLastAxis(layer.options, inputs.front()));
  return ConcatenateSpec{layer.name};
}

}  // namespace

Result<Shape> AddSpec::OutputShape(const LayerSite& site) const {
  for (const Shape& other : site.inputs) {
    if (other == site.input()) continue;
    return Fail("{} adds {} and {}; give them one shape", site.where,
                site.input().ToString(), other.ToString());
  }
  return site.input();
}

Result<Shape> ConcatenateSpec::OutputShape(const LayerSite& site) const {
  Shape shape = site.input();
  shape.dims.back() = 0;
  for (const Shape& other : site.inputs) {
    if (!std::ranges::equal(AllButLast(other), AllButLast(site.input()))) {
      return Fail(
          "{} concatenates {} and {}; only their last dimensions may differ",
          site.where, site.input().ToString(), other.ToString());
    }
    shape.dims.back() += other.dims.back();
  }
  return shape;
}

std::span<const KerasClass> AddSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Add", ReadAdd}};
  return kClasses;
}

std::span<const KerasClass> ConcatenateSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Concatenate", ReadConcatenate}};
  return kClasses;
}

}  // namespace batchsweep
