#include "graph/arithmetic.h"
#include "graph/layer_builder.h"

namespace batchsweep {
namespace {

// Maximum or average over windows, an image a thread.
class Pooling : public Layer {
 public:
  Pooling(const Pooling2DSpec& spec, const WindowGeometry& window,
          const ComputeContext& context)
      : name_(spec.name),
        kind_(spec.kind),
        window_(window),
        kernels_(*context.kernels),
        in_size_(window.height * window.width * window.channels),
        out_size_(window.out_height * window.out_width * window.channels) {}

  Status Plan(const PlanContext& context) override {
    if (kind_ != Kind::kMax) return {};
    // The way back needs to know which value won each window.
    winner_id_ = context.planner.Add(
        name_ + "/winners", MemoryClass::kActivations,
        context.max_batch * out_size_ * static_cast<int64_t>(sizeof(uint16_t)),
        context.forward, context.backward);
    return {};
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    if (kind_ == Kind::kMax)
      winner_ = reinterpret_cast<uint16_t*>(arena.At(winner_id_));
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    batch_ = batch;
    pools_ = pools;
    return {};
  }

  void Forward(const ForwardContext&) override {
    ForEachExample(*pools_.forward, batch_, [&](int64_t i) {
      const float* x = tensors_.x[0] + i * in_size_;
      float* y = tensors_.y + i * out_size_;
      switch (kind_) {
        case Kind::kMax:
          return kernels_.max_pool(window_, x, y, winner_ + i * out_size_);
        case Kind::kAverage:
          return kernels_.average_pool(window_, x, y);
      }
    });
  }

  void Backward() override {
    if (tensors_.dx[0] == nullptr) return;
    ForEachExample(*pools_.backward, batch_, [&](int64_t i) {
      const float* dy = tensors_.dy + i * out_size_;
      float* dx = tensors_.dx[0] + i * in_size_;
      switch (kind_) {
        case Kind::kMax:
          // Without a mask any array of y's size will do for it.
          return kernels_.max_pool_grad(
              window_, dy, dy, winner_ + i * out_size_, PoolGradMask::kAll, dx);
        case Kind::kAverage:
          return kernels_.average_pool_grad(window_, dy, dx);
      }
    });
  }

  bool BackwardReadsX() const override { return false; }

 private:
  using Kind = Pooling2DSpec::Kind;

  const std::string name_;
  const Kind kind_;
  const WindowGeometry window_;
  const Kernels& kernels_;
  const int64_t in_size_;
  const int64_t out_size_;
  int winner_id_ = -1;  // of the planner
  LayerTensors tensors_;
  LayerPools pools_;
  uint16_t* winner_ = nullptr;
  int64_t batch_ = 0;
};

void AppendPooling(const Pooling2DSpec& spec, const Shape& output,
                   LayerBuilder& builder) {
  const WindowGeometry window =
      GeometryOf(spec.Window(), builder.input_shape(), output);
  builder.Append(std::make_unique<Pooling>(spec, window, builder.context()),
                 output);
}

}  // namespace

Status BuildLayer(const Pooling2DSpec& spec, LayerBuilder& builder) {
  AppendPooling(spec, builder.output_shape(), builder);
  return {};
}

// The average over one window of the image's size.
Status BuildLayer(const GlobalAveragePooling2DSpec& spec,
                  LayerBuilder& builder) {
  const auto& image = builder.input_shape().dims;  // (H, W, C)
  const Extent2D all{image[0], image[1]};
  AppendPooling({.name = spec.name,
                 .kind = Pooling2DSpec::Kind::kAverage,
                 .pool_size = all,
                 .strides = all},
                {{1, 1, image[2]}}, builder);
  return {};
}

}  // namespace batchsweep
