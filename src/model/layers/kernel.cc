#include "model/layers/kernel.h"

namespace batchsweep {

std::string DescribeWindow(const SlidingWindow& window) {
  std::string text = " " + window.size.ToString();
  if (window.strides != Extent2D{}) {
    text += " strides " + window.strides.ToString();
  }
  if (window.dilation != Extent2D{}) {
    text += " dilation " + window.dilation.ToString();
  }
  if (window.padding != Padding::kValid) {
    text += std::format(" {}", NameOf(window.padding));
  }
  return text;
}

Result<SlidingWindow> ReadWindow(const KerasOptions& options) {
  RETURN_IF_ERROR(CheckChannelsLast(options));
  ASSIGN_OR_RETURN(const int64_t groups, ReadWidth(options, "groups", 1));
  if (groups != 1) {
    return Fail("{}: groups is {}; batchsweep trains 1, or a DepthwiseConv2D",
                options.owner, groups);
  }
  SlidingWindow window;
  ASSIGN_OR_RETURN(window.size, ReadExtent(options, "kernel_size"));
  ASSIGN_OR_RETURN(window.strides, ReadExtent(options, "strides", Extent2D{}));
  ASSIGN_OR_RETURN(window.dilation,
                   ReadExtent(options, "dilation_rate", Extent2D{}));
  ASSIGN_OR_RETURN(window.padding, ReadPadding(options));
  if (window.strides != Extent2D{} && window.dilation != Extent2D{}) {
    return Fail(
        "{}: strides and dilation_rate are both above 1; as in Keras, "
        "only one can be",
        options.owner);
  }
  return window;
}

}  // namespace batchsweep
