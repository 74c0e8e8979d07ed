#include "model/describe.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <string_view>
#include <utility>
#include <variant>

namespace batchsweep {
namespace {

// More do not fit a terminal's line.
constexpr size_t kMaxListed = 7;

std::string_view ActivationName(Activation activation) {
  switch (activation) {
    case Activation::kLinear:
      return "linear";
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu6:
      return "relu6";
    case Activation::kLeakyRelu:
      return "leaky_relu";
    case Activation::kTanh:
      return "tanh";
    case Activation::kSigmoid:
      return "sigmoid";
    case Activation::kSoftmax:
      return "softmax";
  }
  return "unknown";
}

std::string Size(const Extent2D& extent) {
  return std::format("{}x{}", extent.height, extent.width);
}

std::string Bias(bool use_bias) { return use_bias ? "" : " without bias"; }

std::string L2(float factor) {
  return factor > 0.0f ? std::format(" l2 {}", factor) : "";
}

template <class Convolution>
std::string Window(const Convolution& conv) {
  std::string text = " " + Size(conv.kernel_size);
  if (conv.strides != Extent2D{}) text += " strides " + Size(conv.strides);
  if (conv.dilation != Extent2D{}) text += " dilation " + Size(conv.dilation);
  if (conv.padding == Padding::kSame) text += " same";
  return text;
}

// What stands behind the class.
struct OptionsOf {
  std::string operator()(const DenseSpec& dense) {
    return std::format(" {} {}{}{}", dense.units,
                       ActivationName(dense.activation), Bias(dense.use_bias),
                       L2(dense.kernel_l2));
  }
  std::string operator()(const ActivationSpec& spec) {
    std::string text = std::format(" {}", ActivationName(spec.activation));
    if (spec.activation == Activation::kLeakyRelu) {
      text += std::format(" {}", spec.negative_slope);
    }
    return text;
  }
  std::string operator()(const Conv2DSpec& conv) {
    return std::format(" {}{} {}{}{}", conv.filters, Window(conv),
                       ActivationName(conv.activation), Bias(conv.use_bias),
                       L2(conv.kernel_l2));
  }
  std::string operator()(const DepthwiseConv2DSpec& conv) {
    return std::format("{}{} {}{}{}", Multiplier(conv), Window(conv),
                       ActivationName(conv.activation), Bias(conv.use_bias),
                       L2(conv.kernel_l2));
  }
  std::string operator()(const SeparableConv2DSpec& conv) {
    return std::format(
        " {}{}{} {}{}{}", conv.pointwise.filters, Multiplier(conv.depthwise),
        Window(conv.depthwise), ActivationName(conv.pointwise.activation),
        Bias(conv.pointwise.use_bias),
        L2(std::max(conv.depthwise.kernel_l2, conv.pointwise.kernel_l2)));
  }
  std::string operator()(const Pooling2DSpec& pooling) {
    std::string text = " " + Size(pooling.pool_size);
    if (pooling.strides != pooling.pool_size) {
      text += " strides " + Size(pooling.strides);
    }
    if (pooling.padding == Padding::kSame) text += " same";
    return text;
  }
  std::string operator()(const DropoutSpec& dropout) {
    return std::format(" {}", dropout.rate);
  }
  std::string operator()(const ZeroPadding2DSpec& padding) {
    return std::format(" {},{},{},{}", padding.top, padding.bottom,
                       padding.left, padding.right);
  }
  std::string operator()(const ReshapeSpec& reshape) {
    return " " + reshape.target.ToString();
  }
  std::string operator()(const RescalingSpec& rescaling) {
    return std::format(" x*{}{:+}", rescaling.scale, rescaling.offset);
  }
  // All others are their class.
  template <class Spec>
  std::string operator()(const Spec&) {
    return "";
  }

 private:
  static std::string Multiplier(const DepthwiseConv2DSpec& conv) {
    return conv.depth_multiplier == 1
               ? ""
               : std::format(" times {}", conv.depth_multiplier);
  }
};

std::string DescribeLayer(const LayerSpec& layer) {
  return std::string(LayerClass(layer)) + std::visit(OptionsOf{}, layer);
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

}  // namespace

std::vector<std::string> DescribeLayers(const ModelSpec& model) {
  std::vector<std::string> layers;
  for (const LayerSpec& layer : model.layers) {
    layers.push_back(LayerName(layer) + ": " + DescribeLayer(layer));
  }
  return layers;
}

std::string SummarizeLayers(const ModelSpec& model) {
  std::vector<std::string> parts;
  if (model.layers.size() <= kMaxListed) {
    for (const LayerSpec& layer : model.layers) {
      parts.push_back(DescribeLayer(layer));
    }
    return Join(parts);
  }
  std::vector<std::pair<std::string_view, int>> counts;
  for (const LayerSpec& layer : model.layers) {
    const std::string_view name = LayerClass(layer);
    const auto found = std::ranges::find(
        counts, name, &std::pair<std::string_view, int>::first);
    if (found == counts.end()) {
      counts.emplace_back(name, 1);
    } else {
      ++found->second;
    }
  }
  for (const auto& [name, count] : counts) {
    parts.push_back(std::format("{} {}", count, name));
  }
  return Join(parts);
}

}  // namespace batchsweep
