#include <algorithm>
#include <optional>

#include "graph/arithmetic.h"
#include "graph/layer_builder.h"

namespace batchsweep {
namespace {

// Rows whose sums a float holds well; fixed, so that threads make no
// difference.
constexpr int64_t kBlockRows = 256;

// With rows = all but the last dimension, for each channel:
// y = activation(gamma (x - mean) / sqrt(variance + epsilon) + beta)
// dx = gamma / sqrt(..) * (dy - mean(dy) - xhat * mean(dy * xhat)), where xhat
// is what gamma is multiplied with, and dy has passed the activation. (Ioffe
// and Szegedy, arxiv.org/abs/1502.03167)
//
// The activation costs no pass of its own: forward it clamps what is written,
// and on the way back what it let through is told from x, which is read anyway.
class BatchNormalization : public Layer {
 public:
  // REQUIRES: the activation is linear, relu or relu6.
  BatchNormalization(const BatchNormalizationSpec& spec, Activation activation,
                     const Shape& input, const ComputeContext& context)
      : spec_(spec),
        activation_(activation),
        channels_(input.dims.back()),
        rows_per_example_(input.elements() / channels_),
        kernels_(*context.kernels) {}

  Status Plan(const PlanContext& context) override {
    const int64_t blocks = Blocks(context.max_batch * rows_per_example_);
    const int64_t bytes = 2 * blocks * channels_ * kFloatBytes;
    partial_id_ = context.planner.Add(spec_.name + "/partial sums",
                                      MemoryClass::kWorkspace, bytes,
                                      context.forward, context.forward);
    backward_partial_id_ = context.planner.Add(
        spec_.name + "/partial sums of gradients", MemoryClass::kWorkspace,
        bytes, context.backward, context.backward);
    const auto size = static_cast<size_t>(channels_);
    for (auto* vector :
         {&mean_, &variance_, &inverse_deviation_, &dy_sum_, &product_sum_}) {
      vector->resize(size);
    }
    for (auto* vector : {&shift_, &y_by_x_, &y_constant_, &dx_by_dy_, &dx_by_x_,
                         &dx_constant_}) {
      vector->resize(size);
    }
    scaling_.scale = y_by_x_.data();
    scaling_.offset = y_constant_.data();
    const xnn::Clamp clamp = ClampOf(activation_);
    scaling_.low = clamp.min;
    scaling_.high = clamp.max;
    return {};
  }

  Status Bind(const LayerTensors& tensors, const Arena& arena) override {
    tensors_ = tensors;
    partial_ = arena.Floats(partial_id_);
    backward_partial_ = arena.Floats(backward_partial_id_);
    size_t next = 0;
    if (spec_.scale) gamma_ = next++;
    if (spec_.center) beta_ = next++;
    moving_mean_ = tensors.params[next++];
    moving_variance_ = tensors.params[next];
    return {};
  }

  Status SetBatch(int64_t batch, const LayerPools& pools) override {
    rows_ = batch * rows_per_example_;
    pools_ = pools;
    return {};
  }

  void Forward(const ForwardContext& context) override {
    if (context.training) {
      TakeStatistics();
    } else {
      std::copy_n(moving_mean_, channels_, mean_.begin());
      std::copy_n(moving_variance_, channels_, variance_.begin());
    }
    kernels_.inverse_deviations(variance_.data(),
                                static_cast<double>(spec_.epsilon), channels_,
                                inverse_deviation_.data());
    for (size_t c = 0; c < mean_.size(); ++c) {
      const double scale = Gamma(c) * inverse_deviation_[c];
      y_by_x_[c] = static_cast<float>(scale);
      y_constant_[c] = static_cast<float>(Beta(c) - mean_[c] * scale);
    }
    ForEachRows(*pools_.forward, [&](int64_t begin, int64_t count) {
      const int64_t at = begin * channels_;
      kernels_.affine(tensors_.x[0] + at, scaling_, count, channels_,
                      tensors_.y + at);
    });
  }

  void Backward() override {
    ThreadPool& pool = *pools_.backward;
    const float* x = tensors_.x[0];
    for (size_t c = 0; c < mean_.size(); ++c) {
      shift_[c] = static_cast<float>(mean_[c]);
    }
    ForEachBlock(pool, [&](int64_t block, int64_t first, int64_t count) {
      kernels_.gradient_moments(
          x + first * channels_, tensors_.dy + first * channels_, shift_.data(),
          Gate(), count, channels_, Part(backward_partial_, block, 0),
          Part(backward_partial_, block, 1));
    });
    FinishGradients();
    if (tensors_.dx[0] == nullptr) return;
    ForEachRows(pool, [&](int64_t begin, int64_t count) {
      const int64_t at = begin * channels_;
      kernels_.normalization_grad(x + at, tensors_.dy + at, dx_by_dy_.data(),
                                  dx_by_x_.data(), dx_constant_.data(), Gate(),
                                  count, channels_, tensors_.dx[0] + at);
    });
  }

 private:
  static int64_t Blocks(int64_t rows) {
    return (rows + kBlockRows - 1) / kBlockRows;
  }
  double Gamma(size_t c) const {
    return spec_.scale ? static_cast<double>(tensors_.params[*gamma_][c]) : 1.0;
  }
  double Beta(size_t c) const {
    return spec_.center ? static_cast<double>(tensors_.params[*beta_][c]) : 0.0;
  }

  // The batch's mean and variance, from sums of x - shift with a value of the
  // channel as shift: without one the squares of a mean far from 0 would take
  // all digits.
  void TakeStatistics() {
    const float* x = tensors_.x[0];
    std::copy_n(x, channels_, shift_.data());
    ForEachBlock(
        *pools_.forward, [&](int64_t block, int64_t first, int64_t count) {
          kernels_.shifted_moments(x + first * channels_, shift_.data(), count,
                                   channels_, Part(partial_, block, 0),
                                   Part(partial_, block, 1));
        });
    AddBlocks(partial_, mean_, variance_);
    kernels_.finish_moments(shift_.data(), static_cast<double>(rows_),
                            channels_, mean_.data(), variance_.data());
    TakeOver(mean_, moving_mean_);
    TakeOver(variance_, moving_variance_);
  }

  // moving = moving * momentum + now * (1 - momentum)
  void TakeOver(const std::vector<double>& now, float* moving) const {
    const double momentum = static_cast<double>(spec_.momentum);
    for (size_t c = 0; c < now.size(); ++c) {
      moving[c] = static_cast<float>(static_cast<double>(moving[c]) * momentum +
                                     now[c] * (1.0 - momentum));
    }
  }

  // From the sums over all rows: the parameters' gradients, and the
  // coefficients of dx.
  void FinishGradients() {
    AddBlocks(backward_partial_, dy_sum_, product_sum_);
    const double n = static_cast<double>(rows_);
    for (size_t c = 0; c < mean_.size(); ++c) {
      const double dy_sum = dy_sum_[c];
      const double xhat_sum = product_sum_[c] * inverse_deviation_[c];
      if (spec_.scale) {
        tensors_.grads[*gamma_][c] = static_cast<float>(xhat_sum);
      }
      if (spec_.center) {
        tensors_.grads[*beta_][c] = static_cast<float>(dy_sum);
      }
      // dx = scale * dy - scale * (dy_sum + (x - mean) * deviation^-1 *
      // xhat_sum) / n, sorted by dy, x and what is constant.
      const double scale = Gamma(c) * inverse_deviation_[c];
      const double by_x = -scale * inverse_deviation_[c] * xhat_sum / n;
      dx_by_dy_[c] = static_cast<float>(scale);
      dx_by_x_[c] = static_cast<float>(by_x);
      dx_constant_[c] =
          static_cast<float>(-scale * dy_sum / n - by_x * mean_[c]);
    }
  }

  float* Part(float* partial, int64_t block, int64_t which) const {
    return partial + (2 * block + which) * channels_;
  }
  // Adds up both sums of all blocks, in double and in the order of the blocks.
  void AddBlocks(float* partial, std::vector<double>& sums,
                 std::vector<double>& others) const {
    std::ranges::fill(sums, 0.0);
    std::ranges::fill(others, 0.0);
    for (int64_t block = 0; block < Blocks(rows_); ++block) {
      kernels_.add_to_totals(Part(partial, block, 0), channels_, sums.data());
      kernels_.add_to_totals(Part(partial, block, 1), channels_, others.data());
    }
  }

  // body(block, first row, rows)
  template <class Body>
  void ForEachBlock(ThreadPool& pool, const Body& body) const {
    const int64_t blocks = Blocks(rows_);
    pool.ParallelFor(blocks, TileOf(blocks, 1, pool),
                     [&](int64_t begin, int64_t count) {
                       for (int64_t i = begin; i < begin + count; ++i) {
                         const int64_t first = i * kBlockRows;
                         body(i, first, std::min(kBlockRows, rows_ - first));
                       }
                     });
  }
  template <class Body>
  void ForEachRows(ThreadPool& pool, const Body& body) const {
    pool.ParallelFor(rows_, TileOf(rows_, kBlockRows, pool), body);
  }

  const ColumnScaling* Gate() const {
    return activation_ == Activation::kLinear ? nullptr : &scaling_;
  }

  const BatchNormalizationSpec spec_;
  const Activation activation_;
  const int64_t channels_;
  const int64_t rows_per_example_;
  const Kernels& kernels_;

  int partial_id_ = -1;  // of the planner
  int backward_partial_id_ = -1;
  LayerTensors tensors_;
  LayerPools pools_;
  float* partial_ = nullptr;
  float* backward_partial_ = nullptr;
  std::optional<size_t> gamma_;  // places among the parameters
  std::optional<size_t> beta_;
  float* moving_mean_ = nullptr;
  float* moving_variance_ = nullptr;
  int64_t rows_ = 0;

  // Each of these has one value for each channel. Of the last Forward():
  std::vector<double> mean_;
  std::vector<double> variance_;
  std::vector<double> inverse_deviation_;
  std::vector<float> shift_;  // taken off x before its sums are made
  // Of the last Backward(): the sums of dy and of dy (x - mean).
  std::vector<double> dy_sum_;
  std::vector<double> product_sum_;
  // y = y_by_x x + y_constant
  std::vector<float> y_by_x_;
  std::vector<float> y_constant_;
  ColumnScaling scaling_;  // the two, and the activation
  // dx = dx_by_dy dy + dx_by_x x + dx_constant
  std::vector<float> dx_by_dy_;
  std::vector<float> dx_by_x_;
  std::vector<float> dx_constant_;
};

}  // namespace

// An activation that is the only reader, and that a clamp computes, is built
// in.
Status BuildLayer(const BatchNormalizationSpec& spec, LayerBuilder& builder) {
  Activation activation = Activation::kLinear;
  Shape output = builder.output_shape();
  if (const LayerSpec* reader = builder.OnlyReader()) {
    const auto* behind = std::get_if<ActivationSpec>(reader);
    if (behind != nullptr && ComputesActivation(behind->activation)) {
      activation = behind->activation;
      output = builder.BuildInReader();
    }
  }
  builder.Append(
      std::make_unique<BatchNormalization>(
          spec, activation, builder.input_shape(), builder.context()),
      output, spec.Params(builder.input_shape()));
  return {};
}

}  // namespace batchsweep
