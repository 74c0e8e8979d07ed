#include "model/layers/layer_site.h"

#include <utility>

#include "model/limits.h"

namespace batchsweep {

Status CheckInputCount(const LayerSite& site, InputCount expected) {
  switch (expected) {
    case InputCount::kOne:
      if (site.inputs.size() == 1) return {};
      return Fail("{} ({}) reads {} layers; it takes one", site.where,
                  site.class_name, site.inputs.size());
    case InputCount::kTwoOrMore:
      if (site.inputs.size() >= 2) return {};
      return Fail("{} merges one input; give it two or more, or remove it",
                  site.where);
  }
  std::unreachable();
}

Status CheckReadsImage(const LayerSite& site) {
  if (site.input().dims.size() == 3) return {};
  return Fail(
      "{} ({}) has an input of {}; it takes height, width and channels, put "
      "a Reshape before it",
      site.where, site.class_name, site.input().ToString());
}

Status CheckOutput(const LayerSite& site, const Shape& output) {
  if (IsShape(output)) return {};
  return Fail("{} gives {}; at most {} values are trained for one example",
              site.where, output.ToString(), kMaxWidth);
}

Result<Shape> SlideOver(const LayerSite& site, const SlidingWindow& window,
                        int64_t channels) {
  RETURN_IF_ERROR(CheckReadsImage(site));
  const Shape& image = site.input();
  const Extent2D outputs = window.OutputsOn({image.dims[0], image.dims[1]});
  if (outputs.height < 1 || outputs.width < 1) {
    return Fail(
        "{} ({}) has a window larger than its input of {}; make it smaller "
        "or its padding \"same\"",
        site.where, site.class_name, image.ToString());
  }
  if (window.size.area() > kMaxWindowReads / outputs.area()) {
    return Fail(
        "{} ({}) reads {} values at each of {} places; at most {} in all are "
        "trained, make the window smaller",
        site.where, site.class_name, window.size.ToString(), outputs.ToString(),
        kMaxWindowReads);
  }
  return Shape{{outputs.height, outputs.width, channels}};
}

}  // namespace batchsweep
