#include "model/layer_shape.h"

#include <algorithm>
#include <format>
#include <span>
#include <string>
#include <variant>

namespace batchsweep {
namespace {

struct Window {
  Extent2D size;
  Extent2D strides;
  Extent2D dilation;
  Padding padding;
};

template <class Convolution>
Window WindowOf(const Convolution& layer) {
  return {layer.kernel_size, layer.strides, layer.dilation, layer.padding};
}

// 0 if the window does not fit.
int64_t OutputExtent(int64_t input, int64_t size, int64_t stride,
                     int64_t dilation, Padding padding) {
  if (padding == Padding::kSame) return (input + stride - 1) / stride;
  const int64_t reach = (size - 1) * dilation + 1;
  return reach > input ? 0 : (input - reach) / stride + 1;
}

std::span<const int64_t> AllButLast(const Shape& shape) {
  return std::span(shape.dims).first(shape.dims.size() - 1);
}

class OutputShape {
 public:
  OutputShape(const LayerSpec& layer, const std::vector<Shape>& inputs,
              std::string_view origin)
      : inputs_(inputs),
        input_(inputs.front()),
        class_(LayerClass(layer)),
        where_(std::format("{}: layer \"{}\"", origin, LayerName(layer))) {}

  Result<Shape> operator()(const FlattenSpec&) const {
    return Shape{{input_.elements()}};
  }

  Result<Shape> operator()(const DenseSpec& dense) const {
    // Keras would apply it to the last axis alone.
    if (input_.dims.size() != 1) {
      return Fail("{} is a Dense on an input of {}; put a Flatten before it",
                  where_, input_.ToString());
    }
    return Shape{{dense.units}};
  }

  Result<Shape> operator()(const Conv2DSpec& conv) const {
    return Slide(WindowOf(conv), conv.filters);
  }

  Result<Shape> operator()(const DepthwiseConv2DSpec& conv) const {
    return Slide(WindowOf(conv), input_.dims.back() * conv.depth_multiplier);
  }

  Result<Shape> operator()(const SeparableConv2DSpec& conv) const {
    ASSIGN_OR_RETURN(Shape shape, (*this)(conv.depthwise));
    RETURN_IF_ERROR(CheckWidth(shape));
    shape.dims.back() = conv.pointwise.filters;
    return shape;
  }

  Result<Shape> operator()(const Pooling2DSpec& pooling) const {
    return Slide({pooling.pool_size, pooling.strides, {}, pooling.padding},
                 input_.dims.back());
  }

  Result<Shape> operator()(const GlobalAveragePooling2DSpec& pooling) const {
    RETURN_IF_ERROR(CheckIsImage());
    const int64_t channels = input_.dims.back();
    return pooling.keepdims ? Shape{{1, 1, channels}} : Shape{{channels}};
  }

  Result<Shape> operator()(const ZeroPadding2DSpec& padding) const {
    RETURN_IF_ERROR(CheckIsImage());
    return Shape{{input_.dims[0] + padding.top + padding.bottom,
                  input_.dims[1] + padding.left + padding.right,
                  input_.dims[2]}};
  }

  Result<Shape> operator()(const ReshapeSpec& reshape) const {
    if (IsShape(reshape.target) &&
        reshape.target.elements() == input_.elements()) {
      return reshape.target;
    }
    return Fail("{} makes {} of {}; the numbers of values must be equal",
                where_, reshape.target.ToString(), input_.ToString());
  }

  Result<Shape> operator()(const AddSpec&) const {
    for (const Shape& other : inputs_) {
      if (other == input_) continue;
      return Fail("{} adds {} and {}; give them one shape", where_,
                  input_.ToString(), other.ToString());
    }
    return input_;
  }

  Result<Shape> operator()(const ConcatenateSpec&) const {
    Shape shape = input_;
    shape.dims.back() = 0;
    for (const Shape& other : inputs_) {
      if (!std::ranges::equal(AllButLast(other), AllButLast(input_))) {
        return Fail(
            "{} concatenates {} and {}; only their last dimensions may differ",
            where_, input_.ToString(), other.ToString());
      }
      shape.dims.back() += other.dims.back();
    }
    return shape;
  }

  // Activation, batch normalisation, dropout, rescaling.
  template <class Elementwise>
  Result<Shape> operator()(const Elementwise&) const {
    return input_;
  }

  Status CheckInputCount(bool merges) const {
    if (merges && inputs_.size() < 2) {
      return Fail("{} merges one input; give it two or more, or remove it",
                  where_);
    }
    if (!merges && inputs_.size() > 1) {
      return Fail("{} ({}) reads {} layers; it takes one", where_, class_,
                  inputs_.size());
    }
    return {};
  }

  Status CheckWidth(const Shape& shape) const {
    if (IsShape(shape)) return {};
    return Fail("{} gives {}; at most {} values are trained for one example",
                where_, shape.ToString(), kMaxWidth);
  }

 private:
  Status CheckIsImage() const {
    if (input_.dims.size() == 3) return {};
    return Fail(
        "{} ({}) has an input of {}; it takes height, width and channels, put "
        "a Reshape before it",
        where_, class_, input_.ToString());
  }

  Result<Shape> Slide(const Window& window, int64_t channels) const {
    RETURN_IF_ERROR(CheckIsImage());
    const int64_t height =
        OutputExtent(input_.dims[0], window.size.height, window.strides.height,
                     window.dilation.height, window.padding);
    const int64_t width =
        OutputExtent(input_.dims[1], window.size.width, window.strides.width,
                     window.dilation.width, window.padding);
    if (height < 1 || width < 1) {
      return Fail(
          "{} ({}) has a window larger than its input of {}; make it smaller "
          "or its padding \"same\"",
          where_, class_, input_.ToString());
    }
    return Shape{{height, width, channels}};
  }

  const std::vector<Shape>& inputs_;
  const Shape& input_;
  std::string_view class_;
  std::string where_;
};

}  // namespace

bool IsShape(const Shape& shape) {
  if (shape.dims.empty()) return false;
  int64_t width = 1;
  for (const int64_t dim : shape.dims) {
    if (dim < 1 || dim > kMaxWidth / width) return false;
    width *= dim;
  }
  return true;
}

Result<Shape> LayerOutputShape(const LayerSpec& layer,
                               const std::vector<Shape>& inputs,
                               std::string_view origin) {
  const OutputShape output(layer, inputs, origin);
  RETURN_IF_ERROR(
      output.CheckInputCount(std::holds_alternative<AddSpec>(layer) ||
                             std::holds_alternative<ConcatenateSpec>(layer)));
  ASSIGN_OR_RETURN(Shape shape, std::visit(output, layer));
  RETURN_IF_ERROR(output.CheckWidth(shape));
  return shape;
}

}  // namespace batchsweep
