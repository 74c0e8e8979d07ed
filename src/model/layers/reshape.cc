#include "model/layers/reshape.h"

#include <cstddef>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/keras_layers.h"
#include "model/keras_value.h"
#include "model/limits.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;

Result<LayerSpec> ReadFlatten(const KerasLayer& layer,
                              const std::vector<Shape>&) {
  RETURN_IF_ERROR(CheckChannelsLast(layer.options));
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"data_format"}));
  return FlattenSpec{layer.name};
}

// The target shape with its -1, if it has one, resolved for `input`.
Result<Shape> ReadTargetShape(const KerasOptions& options, const Shape& input) {
  const Json& value = Field(options.config, "target_shape");
  const Json& dims = ListIn(value);
  if (!dims.is_array() || dims.empty() || dims.size() > 3) {
    return Fail("{}: target_shape is {}, expected a list of 1 to 3 integers",
                options.owner,
                dims.is_array() ? std::format("a list of {}", dims.size())
                                : Describe(dims));
  }
  Shape shape;
  int64_t known = 1;
  int64_t* open = nullptr;
  shape.dims.resize(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == Json(-1) && open == nullptr) {
      open = &shape.dims[i];
    } else if (IsInteger(dims[i], 1, kMaxWidth / known)) {
      shape.dims[i] = dims[i].get<int64_t>();
      known *= shape.dims[i];
    } else {
      return Fail(
          "{}: target_shape has dimension {}; expected integers from 1, {} "
          "values in all at most, and one -1 at most",
          options.owner, Describe(dims[i]), kMaxWidth);
    }
  }
  if (open == nullptr) return shape;
  if (input.elements() % known != 0) {
    return Fail(
        "{}: target_shape leaves -1 to fit {} values in rows of {}; make it "
        "divide them",
        options.owner, input.elements(), known);
  }
  *open = input.elements() / known;
  return shape;
}

Result<LayerSpec> ReadReshape(const KerasLayer& layer,
                              const std::vector<Shape>& inputs) {
  RETURN_IF_ERROR(RefuseOtherOptions(layer.options, {"target_shape"}));
  ASSIGN_OR_RETURN(Shape target,
                   ReadTargetShape(layer.options, inputs.front()));
  return ReshapeSpec{layer.name, std::move(target)};
}

}  // namespace

Result<Shape> ReshapeSpec::OutputShape(const LayerSite& site) const {
  if (IsShape(target) && target.elements() == site.input().elements()) {
    return target;
  }
  return Fail("{} makes {} of {}; the numbers of values must be equal",
              site.where, target.ToString(), site.input().ToString());
}

std::string ReshapeSpec::Options() const { return " " + target.ToString(); }

std::span<const KerasClass> FlattenSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Flatten", ReadFlatten}};
  return kClasses;
}

std::span<const KerasClass> ReshapeSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {{"Reshape", ReadReshape}};
  return kClasses;
}

}  // namespace batchsweep
