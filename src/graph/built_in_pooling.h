// The max pooling behind a convolution, done by the convolution's layer slice
// by slice, so that only what is pooled is ever written to memory.
#ifndef BATCHSWEEP_GRAPH_BUILT_IN_POOLING_H_
#define BATCHSWEEP_GRAPH_BUILT_IN_POOLING_H_

#include <cstdint>
#include <string>

#include "graph/arithmetic.h"
#include "graph/layer.h"

namespace batchsweep {

class BuiltInPooling {
 public:
  // `window`: over the convolution's output (H, W, C). `mask`: kPositive if a
  // relu lies between. Of some values behind a relu the largest is positive if
  // any is, so that the relu's own mask is that of what was pooled.
  BuiltInPooling(const WindowGeometry& window, PoolGradMask mask)
      : window_(window),
        mask_(mask),
        in_size_(window.height * window.width * window.channels),
        out_size_(window.out_height * window.out_width * window.channels) {}

  void Plan(const std::string& name, const PlanContext& context,
            int64_t images) {
    MemoryPlanner& planner = context.planner;
    winner_id_ = planner.Add(
        name + "/winners", MemoryClass::kActivations,
        context.max_batch * out_size_ * static_cast<int64_t>(sizeof(uint16_t)),
        context.forward, context.backward);
    const int64_t bytes = images * in_size_ * kFloatBytes;
    forward_slice_id_ = planner.Add(name + "/slice", MemoryClass::kWorkspace,
                                    bytes, context.forward, context.forward);
    backward_slice_id_ =
        planner.Add(name + "/slice of gradients", MemoryClass::kWorkspace,
                    bytes, context.backward, context.backward);
  }

  void Bind(const LayerTensors& tensors, const Arena& arena) {
    y_ = tensors.y;
    dy_ = tensors.dy;
    winner_ = reinterpret_cast<uint16_t*>(arena.At(winner_id_));
    forward_slice_ = arena.Floats(forward_slice_id_);
    backward_slice_ = arena.Floats(backward_slice_id_);
  }

  // What the convolution writes, and its gradient: one slice, again and again.
  float* forward_slice() const { return forward_slice_; }
  float* backward_slice() const { return backward_slice_; }

  // The layer's y of the batch's image `example`, from its image in the slice.
  void Pool(int64_t example, const float* image, const Kernels& kernels) const {
    const int64_t at = example * out_size_;
    kernels.max_pool(window_, image, y_ + at, winner_ + at);
  }
  // The gradient by the convolution's output, before its activation, from the
  // layer's dy.
  void Gradient(int64_t example, float* image, const Kernels& kernels) const {
    const int64_t at = example * out_size_;
    kernels.max_pool_grad(window_, y_ + at, dy_ + at, winner_ + at, mask_,
                          image);
  }

 private:
  const WindowGeometry window_;
  const PoolGradMask mask_;
  const int64_t in_size_;   // floats of one image
  const int64_t out_size_;  // when pooled
  // Ids of the planner.
  int winner_id_ = -1;
  int forward_slice_id_ = -1;
  int backward_slice_id_ = -1;
  float* y_ = nullptr;
  const float* dy_ = nullptr;
  uint16_t* winner_ = nullptr;  // which value won each window
  float* forward_slice_ = nullptr;
  float* backward_slice_ = nullptr;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_BUILT_IN_POOLING_H_
