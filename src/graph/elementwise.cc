#include <algorithm>
#include <cmath>

#include "graph/arithmetic.h"
#include "graph/layer_builder.h"

namespace batchsweep {
namespace {

// Threads take multiples of this many elements, 16 KiB, so that a small tensor
// stays on one thread.
constexpr int64_t kTile = 4096;

// This is what layers without memory of their own share. Their gradients depend
// on dy alone, so that x need not be kept for the way back.
class SimpleLayer : public Layer {
 public:
  explicit SimpleLayer(const ComputeContext& context)
      : kernels_(*context.kernels) {}

  Status Plan(const PlanContext&) override { return {}; }
  Status Bind(const LayerTensors& tensors, const Arena&) override {
    tensors_ = tensors;
    return {};
  }
  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    return {};
  }
  bool BackwardReadsX() const override { return false; }

 protected:
  // body(begin, size) over all elements of `count` for each example.
  template <class Body>
  void ForEachPart(ThreadPool& pool, int64_t count, const Body& body) const {
    const int64_t all = batch_ * count;
    pool.ParallelFor(all, TileOf(all, kTile, pool), body);
  }

  const Kernels& kernels_;
  LayerTensors tensors_;
  LayerPools pools_;
  int64_t batch_ = 0;
};

// The mask is drawn from the layer, the step and the element alone, so that the
// way back draws it again instead of keeping it.
class Dropout : public SimpleLayer {
 public:
  Dropout(const DropoutSpec& spec, int64_t size, uint64_t key,
          const ComputeContext& context)
      : SimpleLayer(context),
        size_(size),
        key_(key),
        threshold_(static_cast<uint32_t>(
            std::min(static_cast<double>(spec.rate) * 0x1p32, 0x1p32 - 1))),
        scale_(1.0f / (1.0f - spec.rate)) {}

  void Forward(const ForwardContext& context) override {
    training_ = context.training;
    // An odd constant keeps the keys of any two steps apart, and those of
    // neighbours differ in upper bits too.
    step_key_ = key_ + static_cast<uint64_t>(context.step) * 0x9e3779b97f4a7c15;
    Apply(*pools_.forward, tensors_.x[0], tensors_.y);
  }
  void Backward() override {
    if (tensors_.dx[0] == nullptr) return;
    Apply(*pools_.backward, tensors_.dy, tensors_.dx[0]);
  }
  bool WorksInPlace() const override { return true; }

 private:
  void Apply(ThreadPool& pool, const float* from, float* to) {
    ForEachPart(pool, size_, [&](int64_t begin, int64_t size) {
      if (training_) {
        kernels_.dropout(from + begin, step_key_, begin, size, threshold_,
                         scale_, to + begin);
      } else if (from != to) {
        // Inference drops nothing: in place there is nothing left to do.
        std::copy_n(from + begin, size, to + begin);
      }
    });
  }

  const int64_t size_;
  const uint64_t key_;
  const uint32_t threshold_;  // a hash below it drops the element
  const float scale_;
  uint64_t step_key_ = 0;
  bool training_ = false;
};

class ZeroPadding : public SimpleLayer {
 public:
  ZeroPadding(const ZeroPadding2DSpec& spec, const Shape& input,
              const Shape& output, const ComputeContext& context)
      : SimpleLayer(context),
        height_(input.dims[0]),
        row_(input.dims[1] * input.dims[2]),
        out_row_(output.dims[1] * output.dims[2]),
        first_(spec.top * out_row_ + spec.left * input.dims[2]),
        out_size_(output.elements()) {}

  void Forward(const ForwardContext&) override {
    ForEachExample(*pools_.forward, batch_, [&](int64_t i) {
      float* y = tensors_.y + i * out_size_;
      std::fill_n(y, out_size_, 0.0f);
      for (int64_t r = 0; r < height_; ++r) {
        std::copy_n(tensors_.x[0] + (i * height_ + r) * row_, row_,
                    y + first_ + r * out_row_);
      }
    });
  }
  void Backward() override {
    if (tensors_.dx[0] == nullptr) return;
    ForEachExample(*pools_.backward, batch_, [&](int64_t i) {
      for (int64_t r = 0; r < height_; ++r) {
        std::copy_n(tensors_.dy + i * out_size_ + first_ + r * out_row_, row_,
                    tensors_.dx[0] + (i * height_ + r) * row_);
      }
    });
  }

 private:
  const int64_t height_;
  const int64_t row_;
  const int64_t out_row_;
  const int64_t first_;  // where the image begins in the padded one
  const int64_t out_size_;
};

// One kernel serves both directions: the gradient is scaled alike, with offset
// 0. It takes a scale for each column, as batch normalisation has them.
class Rescaling : public SimpleLayer {
 public:
  Rescaling(const RescalingSpec& spec, const Shape& input,
            const ComputeContext& context)
      : SimpleLayer(context),
        columns_(input.dims.back()),
        rows_(input.elements() / columns_),
        scale_(static_cast<size_t>(columns_), spec.scale),
        offset_(static_cast<size_t>(columns_), spec.offset),
        zero_(static_cast<size_t>(columns_), 0.0f) {}

  void Forward(const ForwardContext&) override {
    Apply(*pools_.forward, tensors_.x[0], offset_, tensors_.y);
  }
  void Backward() override {
    if (tensors_.dx[0] == nullptr) return;
    Apply(*pools_.backward, tensors_.dy, zero_, tensors_.dx[0]);
  }
  bool WorksInPlace() const override { return true; }

 private:
  void Apply(ThreadPool& pool, const float* from,
             const std::vector<float>& offset, float* to) const {
    const int64_t rows = batch_ * rows_;
    pool.ParallelFor(
        rows, TileOf(rows, 64, pool), [&](int64_t begin, int64_t count) {
          const int64_t at = begin * columns_;
          kernels_.affine(from + at,
                          {.scale = scale_.data(), .offset = offset.data()},
                          count, columns_, to + at);
        });
  }

  const int64_t columns_;
  const int64_t rows_;
  const std::vector<float> scale_;
  const std::vector<float> offset_;
  const std::vector<float> zero_;
};

class AddInputs : public SimpleLayer {
 public:
  AddInputs(int64_t size, const ComputeContext& context)
      : SimpleLayer(context), size_(size) {}

  void Forward(const ForwardContext&) override {
    ForEachPart(*pools_.forward, size_, [&](int64_t begin, int64_t size) {
      // Inputs are added in their order, so that no number of threads changes a
      // bit; the first is copied, which saves clearing y.
      std::copy_n(tensors_.x[0] + begin, size, tensors_.y + begin);
      for (size_t i = 1; i < tensors_.x.size(); ++i) {
        kernels_.add(tensors_.x[i] + begin, size, tensors_.y + begin);
      }
    });
  }
  void Backward() override {
    ForEachPart(*pools_.backward, size_, [&](int64_t begin, int64_t size) {
      // Each input gets a copy of its own, since the layer in front may
      // overwrite the gradient that it finds.
      for (float* dx : tensors_.dx) {
        if (dx == nullptr) continue;
        std::copy_n(tensors_.dy + begin, size, dx + begin);
      }
    });
  }

 private:
  const int64_t size_;
};

// Inputs are joined along the last axis, so a row is one pixel of an image, and
// holds the channels of all inputs side by side.
class Concatenate : public SimpleLayer {
 public:
  Concatenate(const std::vector<Shape>& inputs, const ComputeContext& context)
      : SimpleLayer(context) {
    for (const Shape& input : inputs) {
      widths_.push_back(input.dims.back());
      width_ += input.dims.back();
    }
    rows_ = inputs[0].elements() / widths_[0];
  }

  void Forward(const ForwardContext&) override {
    ForEachRow(*pools_.forward, [&](int64_t row) {
      float* y = tensors_.y + row * width_;
      for (size_t i = 0; i < widths_.size(); ++i) {
        y = std::copy_n(tensors_.x[i] + row * widths_[i], widths_[i], y);
      }
    });
  }
  void Backward() override {
    ForEachRow(*pools_.backward, [&](int64_t row) {
      const float* dy = tensors_.dy + row * width_;
      for (size_t i = 0; i < widths_.size(); ++i) {
        if (float* dx = tensors_.dx[i]) {
          std::copy_n(dy, widths_[i], dx + row * widths_[i]);
        }
        dy += widths_[i];
      }
    });
  }

 private:
  template <class Body>
  void ForEachRow(ThreadPool& pool, const Body& body) const {
    const int64_t rows = batch_ * rows_;
    pool.ParallelFor(rows, TileOf(rows, 64, pool),
                     [&](int64_t begin, int64_t count) {
                       for (int64_t r = begin; r < begin + count; ++r) body(r);
                     });
  }

  std::vector<int64_t> widths_;
  int64_t width_ = 0;
  int64_t rows_ = 0;  // of one example
};

}  // namespace

Status BuildLayer(const DropoutSpec& spec, LayerBuilder& builder) {
  // At rate 0 nothing is dropped, and the readers behind read its input.
  if (spec.rate == 0.0f) return {};
  const Shape& shape = builder.output_shape();
  builder.Append(
      std::make_unique<Dropout>(spec, shape.elements(), builder.RandomKey(),
                                builder.context()),
      shape);
  return {};
}

Status BuildLayer(const ZeroPadding2DSpec& spec, LayerBuilder& builder) {
  builder.Append(
      std::make_unique<ZeroPadding>(spec, builder.input_shape(),
                                    builder.output_shape(), builder.context()),
      builder.output_shape());
  return {};
}

Status BuildLayer(const RescalingSpec& spec, LayerBuilder& builder) {
  builder.Append(std::make_unique<Rescaling>(spec, builder.input_shape(),
                                             builder.context()),
                 builder.output_shape());
  return {};
}

Status BuildLayer(const AddSpec&, LayerBuilder& builder) {
  const Shape& shape = builder.output_shape();
  builder.Append(
      std::make_unique<AddInputs>(shape.elements(), builder.context()), shape);
  return {};
}

Status BuildLayer(const ConcatenateSpec&, LayerBuilder& builder) {
  std::vector<Shape> inputs;
  for (size_t i = 0; i < builder.input_count(); ++i) {
    inputs.push_back(builder.input_shape(i));
  }
  builder.Append(std::make_unique<Concatenate>(inputs, builder.context()),
                 builder.output_shape());
  return {};
}

}  // namespace batchsweep
