#include "model/layers/zero_padding.h"

#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "model/keras_layers.h"
#include "model/keras_value.h"
#include "model/limits.h"

namespace batchsweep {
namespace {

using Json = nlohmann::json;

// Reads how many zeros go before the image, [0], and behind it, [1], along each
// axis.
Result<std::array<Extent2D, 2>> ReadZeroPadding(const KerasOptions& options) {
  const Json& value = Field(options.config, "padding");
  if (const auto pair = ReadPair(value, 0)) {
    return std::array{Extent2D{pair->height, pair->width}, *pair};
  }
  const Json& list = ListIn(value);
  if (list.is_array() && list.size() == 2) {
    const auto rows = ReadPair(list[0], 0);
    const auto columns = ReadPair(list[1], 0);
    if (rows && columns) {
      return std::array{Extent2D{rows->height, columns->height},
                        Extent2D{rows->width, columns->width}};
    }
  }
  return Fail(
      "{}: padding is {}, expected an integer, [height, width] or "
      "[[top, bottom], [left, right]], each at most {}",
      options.owner, Describe(value), kMaxExtent);
}

Result<LayerSpec> ReadZeroPadding2D(const KerasLayer& layer,
                                    const std::vector<Shape>&) {
  const KerasOptions& options = layer.options;
  RETURN_IF_ERROR(RefuseOtherOptions(options, {"padding", "data_format"}));
  RETURN_IF_ERROR(CheckChannelsLast(options));
  ASSIGN_OR_RETURN(const auto padding, ReadZeroPadding(options));
  return ZeroPadding2DSpec{.name = layer.name,
                           .top = padding[0].height,
                           .bottom = padding[1].height,
                           .left = padding[0].width,
                           .right = padding[1].width};
}

}  // namespace

Result<Shape> ZeroPadding2DSpec::OutputShape(const LayerSite& site) const {
  RETURN_IF_ERROR(CheckReadsImage(site));
  const Shape& image = site.input();
  return Shape{{image.dims[0] + top + bottom, image.dims[1] + left + right,
                image.dims[2]}};
}

std::string ZeroPadding2DSpec::Options() const {
  return std::format(" {},{},{},{}", top, bottom, left, right);
}

std::span<const KerasClass> ZeroPadding2DSpec::KerasClasses() {
  static constexpr KerasClass kClasses[] = {
      {"ZeroPadding2D", ReadZeroPadding2D}};
  return kClasses;
}

}  // namespace batchsweep
