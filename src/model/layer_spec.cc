#include "model/layer_spec.h"

#include <format>

namespace batchsweep {

const std::string& LayerName(const LayerSpec& layer) {
  return std::visit(
      [](const auto& spec) -> const std::string& { return spec.name; }, layer);
}

std::string_view LayerClass(const LayerSpec& layer) {
  return std::visit([](const auto& spec) { return spec.ClassName(); }, layer);
}

Activation LayerActivation(const LayerSpec& layer) {
  return std::visit([](const auto& spec) { return spec.EndActivation(); },
                    layer);
}

std::vector<ParamSpec> LayerParams(const LayerSpec& layer, const Shape& input) {
  return std::visit([&](const auto& spec) { return spec.Params(input); },
                    layer);
}

int64_t LayerMultiplyAdds(const LayerSpec& layer, const Shape& input,
                          const Shape& output) {
  return std::visit(
      [&](const auto& spec) { return spec.MultiplyAdds(input, output); },
      layer);
}

std::string DescribeLayer(const LayerSpec& layer) {
  return std::visit(
      [](const auto& spec) {
        return std::string(spec.ClassName()) + spec.Options();
      },
      layer);
}

Result<Shape> LayerOutputShape(const LayerSpec& layer,
                               const std::vector<Shape>& inputs,
                               std::string_view origin) {
  const LayerSite site{
      .inputs = inputs,
      .class_name = LayerClass(layer),
      .where = std::format("{}: layer \"{}\"", origin, LayerName(layer))};
  return std::visit(
      [&](const auto& spec) -> Result<Shape> {
        RETURN_IF_ERROR(CheckInputCount(site, spec.kInputs));
        ASSIGN_OR_RETURN(Shape shape, spec.OutputShape(site));
        RETURN_IF_ERROR(CheckOutput(site, shape));
        return shape;
      },
      layer);
}

}  // namespace batchsweep
