// db of a convolution: the sum of dy over all pixels of all images.
#ifndef BATCHSWEEP_GRAPH_IMAGE_BIAS_GRAD_H_
#define BATCHSWEEP_GRAPH_IMAGE_BIAS_GRAD_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/arithmetic.h"
#include "graph/layer.h"

namespace batchsweep {

// Each image is summed in float, and over images in double, one after the other
// whatever the threads.
class ImageBiasGrad {
 public:
  ImageBiasGrad(int64_t pixels, int64_t channels)
      : pixels_(pixels), channels_(channels) {}

  void Plan(const std::string& name, const PlanContext& context,
            int64_t images) {
    partial_id_ = context.planner.Add(
        name + "/partial sums", MemoryClass::kWorkspace,
        images * channels_ * kFloatBytes, context.backward, context.backward);
  }
  void Bind(const Arena& arena, float* grad) {
    partial_ = arena.Floats(partial_id_);
    grad_ = grad;
    sums_.resize(static_cast<size_t>(channels_));
  }

  // A pass over the batch: Begin(), then for each slice SumImage() of its
  // images and AddSlice(), then Finish() writes db.
  void Begin() { std::ranges::fill(sums_, 0.0); }
  // dy (pixels, channels) of image i of the slice. Threads may share them out.
  void SumImage(int64_t i, const float* dy, const Kernels& kernels) const {
    kernels.column_sums(dy, pixels_, channels_, partial_ + i * channels_);
  }
  void AddSlice(int64_t images) {
    for (int64_t i = 0; i < images; ++i) {
      const float* partial = partial_ + i * channels_;
      for (size_t c = 0; c < sums_.size(); ++c) {
        sums_[c] += static_cast<double>(partial[c]);
      }
    }
  }
  void Finish() const {
    for (size_t c = 0; c < sums_.size(); ++c) {
      grad_[c] = static_cast<float>(sums_[c]);
    }
  }

 private:
  const int64_t pixels_;
  const int64_t channels_;
  int partial_id_ = -1;  // of the planner
  float* partial_ = nullptr;
  float* grad_ = nullptr;
  std::vector<double> sums_;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_GRAPH_IMAGE_BIAS_GRAD_H_
