#include "model/layers/pooling.h"

#include <format>
#include <utility>

#include "model/keras_layers.h"

namespace batchsweep {
namespace {

template <Pooling2DSpec::Kind kKind>
Result<LayerSpec> ReadPooling2D(const KerasLayer& layer,
                                const std::vector<Shape>&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(
      options, {"pool_size", "strides", "padding", "data_format"}));
  RETURN_IF_ERROR(CheckChannelsLast(options));
  Pooling2DSpec pooling{.name = layer.name, .kind = kKind};
  ASSIGN_OR_RETURN(pooling.pool_size,
                   ReadExtent(options, "pool_size", pooling.pool_size));
  ASSIGN_OR_RETURN(pooling.strides,
                   ReadExtent(options, "strides", pooling.pool_size));
  ASSIGN_OR_RETURN(pooling.padding, ReadPadding(options));
  return pooling;
}

Result<LayerSpec> ReadGlobalAveragePooling2D(const KerasLayer& layer,
                                             const std::vector<Shape>&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"data_format", "keepdims"}));
  RETURN_IF_ERROR(CheckChannelsLast(options));
  GlobalAveragePooling2DSpec pooling{.name = layer.name};
  ASSIGN_OR_RETURN(pooling.keepdims, ReadBool(options, "keepdims", false));
  return pooling;
}

}  // namespace

std::string_view Pooling2DSpec::ClassName() const {
  switch (kind) {
    case Kind::kMax:
      return "MaxPooling2D";
    case Kind::kAverage:
      return "AveragePooling2D";
  }
  std::unreachable();
}

Result<Shape> Pooling2DSpec::OutputShape(const LayerSite& site) const {
  return SlideOver(site, Window(), site.input().dims.back());
}

std::string Pooling2DSpec::Options() const {
  std::string text = " " + pool_size.ToString();
  if (strides != pool_size) text += " strides " + strides.ToString();
  if (padding != Padding::kValid) text += std::format(" {}", NameOf(padding));
  return text;
}

Result<Shape> GlobalAveragePooling2DSpec::OutputShape(
    const LayerSite& site) const {
  RETURN_IF_ERROR(CheckReadsImage(site));
  const int64_t channels = site.input().dims.back();
  return keepdims ? Shape{{1, 1, channels}} : Shape{{channels}};
}

std::span<const KerasClass> Pooling2DSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {
      {"MaxPooling2D", ReadPooling2D<Pooling2DSpec::Kind::kMax>},
      {"AveragePooling2D", ReadPooling2D<Pooling2DSpec::Kind::kAverage>}};
  return kClasses;
}

std::span<const KerasClass> GlobalAveragePooling2DSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {
      {"GlobalAveragePooling2D", ReadGlobalAveragePooling2D}};
  return kClasses;
}

}  // namespace batchsweep
