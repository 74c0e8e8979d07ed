// What convolution.h promises of CheckSizes() and CheckSizesOn().
#include <cstdint>
#include <utility>

#include "xnn/convolution.h"
#include "xnn/sizes.h"

namespace batchsweep::xnn {
namespace {

// The places at which a window stops along an axis; 0 where it does not fit.
int64_t Places(int64_t in, int64_t margins, int64_t taps, int64_t dilation,
               int64_t stride) {
  const int64_t free = in + margins - ((taps - 1) * dilation + 1);
  return free < 0 ? 0 : free / stride + 1;
}

}  // namespace

Status CheckSizes(const ConvolutionOptions& options, int64_t most_bytes) {
  const Margins& padding = options.padding;
  for (const int64_t size :
       {options.kernel_height, options.kernel_width, options.stride_height,
        options.stride_width, options.dilation_height, options.dilation_width,
        padding.top, padding.right, padding.bottom, padding.left}) {
    if (std::in_range<uint32_t>(size)) continue;
    return Fail("convolution: a window of {} is beyond 32 bits", size);
  }
  // Our order of the weights has 8 bytes for each; packing pads channels.
  const int64_t channels = options.depthwise ? 1 : options.channels;
  return CheckBytes(
      "convolution",
      {options.kernel_height, options.kernel_width, channels + kPackedPadding,
       options.out_channels + kPackedPadding, sizeof(int64_t)},
      most_bytes);
}

Status CheckSizesOn(const ConvolutionOptions& options, int64_t batch,
                    int64_t height, int64_t width, int64_t most_bytes) {
  const Margins& padding = options.padding;
  const int64_t out_height =
      Places(height, padding.top + padding.bottom, options.kernel_height,
             options.dilation_height, options.stride_height);
  const int64_t out_width =
      Places(width, padding.left + padding.right, options.kernel_width,
             options.dilation_width, options.stride_width);
  RETURN_IF_ERROR(CheckBytes(
      "convolution", {batch, height, width, options.channels, sizeof(float)},
      most_bytes));
  RETURN_IF_ERROR(CheckBytes(
      "convolution",
      {batch, out_height, out_width, options.out_channels, sizeof(float)},
      most_bytes));
  // A pointer for each value of a channel that the windows read.
  return CheckBytes(
      "convolution",
      {out_height, out_width + kPackedPadding, options.kernel_height,
       options.kernel_width, sizeof(void*)},
      most_bytes);
}

}  // namespace batchsweep::xnn
