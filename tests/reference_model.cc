#include "tests/reference_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "util/check.h"

namespace batchsweep::reference {
namespace {

struct Tensor {
  std::vector<int64_t> dims;   // of one example; (H, W, C) of an image
  std::vector<double> values;  // (batch, dims)
};

int64_t Product(const std::vector<int64_t>& dims) {
  int64_t product = 1;
  for (const int64_t dim : dims) product *= dim;
  return product;
}

int64_t BatchOf(const Tensor& x) {
  return static_cast<int64_t>(x.values.size()) / Product(x.dims);
}

Tensor Zeros(int64_t batch, std::vector<int64_t> dims) {
  const auto count = static_cast<size_t>(batch * Product(dims));
  return {std::move(dims), std::vector<double>(count, 0.0)};
}

// The C values of a pixel of x (N, H, W, C).
double* Pixel(Tensor& x, int64_t n, int64_t row, int64_t column) {
  return x.values.data() +
         ((n * x.dims[0] + row) * x.dims[1] + column) * x.dims[2];
}

const double* Pixel(const Tensor& x, int64_t n, int64_t row, int64_t column) {
  return Pixel(const_cast<Tensor&>(x), n, row, column);
}

// One dimension of a window that moves over an image.
struct Axis {
  int64_t in;
  int64_t window;
  int64_t stride;
  int64_t dilation;
  Padding padding;

  int64_t Reach() const { return (window - 1) * dilation + 1; }

  int64_t Outputs() const {
    if (padding == Padding::kSame) return (in + stride - 1) / stride;
    return (in - Reach()) / stride + 1;
  }

  int64_t PaddingBefore() const {
    if (padding == Padding::kValid) return 0;
    const int64_t total = (Outputs() - 1) * stride + Reach() - in;
    return std::max<int64_t>(total, 0) / 2;
  }

  // What element `tap` of the window reads for output `out`; may be outside.
  int64_t Input(int64_t out, int64_t tap) const {
    return out * stride + tap * dilation - PaddingBefore();
  }
};

struct Window {
  Axis rows;
  Axis columns;
};

template <typename ConvSpec>
Window ConvWindow(const ConvSpec& spec, const Tensor& x) {
  return {{x.dims[0], spec.kernel_size.height, spec.strides.height,
           spec.dilation.height, spec.padding},
          {x.dims[1], spec.kernel_size.width, spec.strides.width,
           spec.dilation.width, spec.padding}};
}

Window PoolWindow(const Pooling2DSpec& spec, const Tensor& x) {
  return {
      {x.dims[0], spec.pool_size.height, spec.strides.height, 1, spec.padding},
      {x.dims[1], spec.pool_size.width, spec.strides.width, 1, spec.padding}};
}

// Calls visit(from, to, tap) for each pixel `from` of x that a pixel `to` of y
// sees, with its index in the window. Padding is not visited.
template <typename Visit>
void ForEachTap(const Window& window, const Tensor& x, Tensor& y,
                const Visit& visit) {
  const auto& [rows, columns] = window;
  for (int64_t n = 0; n < BatchOf(x); ++n) {
    for (int64_t row = 0; row < y.dims[0]; ++row) {
      for (int64_t column = 0; column < y.dims[1]; ++column) {
        for (int64_t tap = 0; tap < rows.window * columns.window; ++tap) {
          const int64_t in_row = rows.Input(row, tap / columns.window);
          const int64_t in_column = columns.Input(column, tap % columns.window);
          if (in_row < 0 || in_row >= rows.in) continue;
          if (in_column < 0 || in_column >= columns.in) continue;
          visit(Pixel(x, n, in_row, in_column), Pixel(y, n, row, column), tap);
        }
      }
    }
  }
}

double Activate(Activation activation, double negative_slope, double x) {
  switch (activation) {
    case Activation::kLinear:
      return x;
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kRelu6:
      return std::min(std::max(x, 0.0), 6.0);
    case Activation::kLeakyRelu:
      return x > 0 ? x : negative_slope * x;
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kSoftmax:
      return x;  // it is part of the loss
  }
  std::unreachable();
}

// One pass over the layers of a question.
class Pass {
 public:
  explicit Pass(const LossQuestion& question)
      : question_(question), moving_(question.weights.size()) {}

  std::vector<double> Outputs() {
    const ModelSpec& model = question_.model;
    const Tensor input{model.input_shape.dims,
                       {question_.x.begin(), question_.x.end()}};
    std::vector<Tensor> outputs;
    for (layer_ = 0; layer_ < model.layers.size(); ++layer_) {
      inputs_.clear();
      for (const int from : LayerInputs(model, layer_)) {
        inputs_.push_back(
            from == kModelInput ? &input : &outputs[static_cast<size_t>(from)]);
      }
      outputs.push_back(
          std::visit([&](const auto& spec) { return Apply(spec, *inputs_[0]); },
                     model.layers[layer_]));
    }
    CHECK(next_param_ == question_.weights.size());
    return outputs.back().values;
  }

  double penalty() const { return penalty_; }
  const std::vector<std::vector<double>>& moving() const { return moving_; }

 private:
  const double* NextParam(int64_t count) {
    const std::vector<double>& param = question_.weights.at(next_param_++);
    CHECK(static_cast<int64_t>(param.size()) == count);
    return param.data();
  }

  const double* NextKernel(int64_t count, double l2) {
    const double* kernel = NextParam(count);
    for (int64_t i = 0; i < count; ++i) penalty_ += l2 * kernel[i] * kernel[i];
    return kernel;
  }

  template <typename Spec>
  void AddBiasAndActivate(const Spec& spec, Tensor& y) {
    const int64_t channels = y.dims.back();
    const double* bias = spec.use_bias ? NextParam(channels) : nullptr;
    for (size_t i = 0; i < y.values.size(); ++i) {
      if (bias) y.values[i] += bias[static_cast<int64_t>(i) % channels];
      y.values[i] = Activate(spec.activation, 0.0, y.values[i]);
    }
  }

  Tensor Apply(const FlattenSpec&, const Tensor& x) {
    return {{Product(x.dims)}, x.values};
  }

  Tensor Apply(const DenseSpec& spec, const Tensor& x) {
    const int64_t in = x.dims[0];
    const double* kernel = NextKernel(in * spec.units, spec.kernel_l2);
    Tensor y = Zeros(BatchOf(x), {spec.units});
    for (int64_t n = 0; n < BatchOf(x); ++n) {
      for (int64_t o = 0; o < spec.units; ++o) {
        double& sum = y.values[static_cast<size_t>(n * spec.units + o)];
        for (int64_t i = 0; i < in; ++i) {
          sum += x.values[static_cast<size_t>(n * in + i)] *
                 kernel[i * spec.units + o];
        }
      }
    }
    AddBiasAndActivate(spec, y);
    return y;
  }

  Tensor Apply(const ActivationSpec& spec, const Tensor& x) {
    Tensor y = x;
    for (double& value : y.values) {
      value = Activate(spec.activation, spec.negative_slope, value);
    }
    return y;
  }

  Tensor Apply(const Conv2DSpec& spec, const Tensor& x) {
    const Window window = ConvWindow(spec, x);
    const int64_t in = x.dims[2];
    const int64_t out = spec.filters;
    const double* kernel = NextKernel(
        window.rows.window * window.columns.window * in * out, spec.kernel_l2);
    Tensor y = Zeros(BatchOf(x),
                     {window.rows.Outputs(), window.columns.Outputs(), out});
    ForEachTap(window, x, y, [&](const double* from, double* to, int64_t tap) {
      for (int64_t c = 0; c < in; ++c) {
        for (int64_t o = 0; o < out; ++o) {
          to[o] += from[c] * kernel[(tap * in + c) * out + o];
        }
      }
    });
    AddBiasAndActivate(spec, y);
    return y;
  }

  Tensor Apply(const DepthwiseConv2DSpec& spec, const Tensor& x) {
    const Window window = ConvWindow(spec, x);
    const int64_t in = x.dims[2];
    const int64_t multiplier = spec.depth_multiplier;
    const double* kernel =
        NextKernel(window.rows.window * window.columns.window * in * multiplier,
                   spec.kernel_l2);
    Tensor y = Zeros(BatchOf(x), {window.rows.Outputs(),
                                  window.columns.Outputs(), in * multiplier});
    ForEachTap(window, x, y, [&](const double* from, double* to, int64_t tap) {
      for (int64_t c = 0; c < in; ++c) {
        for (int64_t d = 0; d < multiplier; ++d) {
          to[c * multiplier + d] +=
              from[c] * kernel[(tap * in + c) * multiplier + d];
        }
      }
    });
    AddBiasAndActivate(spec, y);
    return y;
  }

  Tensor Apply(const SeparableConv2DSpec& spec, const Tensor& x) {
    DepthwiseConv2DSpec depthwise = spec.depthwise;
    depthwise.use_bias = false;
    return Apply(spec.pointwise, Apply(depthwise, x));
  }

  Tensor Apply(const Pooling2DSpec& spec, const Tensor& x) {
    const bool is_max = spec.kind == Pooling2DSpec::Kind::kMax;
    const Window window = PoolWindow(spec, x);
    const int64_t channels = x.dims[2];
    Tensor y = Zeros(BatchOf(x), {window.rows.Outputs(),
                                  window.columns.Outputs(), channels});
    Tensor seen = y;  // how many inputs each output has
    if (is_max) {
      std::ranges::fill(y.values, -std::numeric_limits<double>::infinity());
    }
    ForEachTap(window, x, y, [&](const double* from, double* to, int64_t) {
      for (int64_t c = 0; c < channels; ++c) {
        to[c] = is_max ? std::max(to[c], from[c]) : to[c] + from[c];
        seen.values[static_cast<size_t>(to - y.values.data() + c)] += 1;
      }
    });
    for (size_t i = 0; i < y.values.size() && !is_max; ++i) {
      y.values[i] /= seen.values[i];
    }
    return y;
  }

  Tensor Apply(const GlobalAveragePooling2DSpec& spec, const Tensor& x) {
    const int64_t pixels = x.dims[0] * x.dims[1];
    const int64_t channels = x.dims[2];
    Tensor y = Zeros(BatchOf(x), {1, 1, channels});
    for (int64_t n = 0; n < BatchOf(x); ++n) {
      for (int64_t p = 0; p < pixels; ++p) {
        for (int64_t c = 0; c < channels; ++c) {
          Pixel(y, n, 0, 0)[c] += Pixel(x, n, 0, p)[c];
        }
      }
    }
    for (double& value : y.values) value /= static_cast<double>(pixels);
    if (!spec.keepdims) y.dims = {channels};
    return y;
  }

  Tensor Apply(const BatchNormalizationSpec& spec, const Tensor& x) {
    const int64_t channels = x.dims.back();
    const double* gamma = spec.scale ? NextParam(channels) : nullptr;
    const double* beta = spec.center ? NextParam(channels) : nullptr;
    const std::vector<double> mean = Mean(spec, x);
    const std::vector<double> variance = Variance(spec, x, mean);
    Tensor y = x;
    for (size_t i = 0; i < y.values.size(); ++i) {
      const size_t c = i % static_cast<size_t>(channels);
      y.values[i] =
          (x.values[i] - mean[c]) / std::sqrt(variance[c] + spec.epsilon);
      if (gamma) y.values[i] *= gamma[c];
      if (beta) y.values[i] += beta[c];
    }
    return y;
  }

  // The mean of each channel to normalise with.
  std::vector<double> Mean(const BatchNormalizationSpec& spec,
                           const Tensor& x) {
    const auto channels = static_cast<size_t>(x.dims.back());
    const size_t rows = x.values.size() / channels;
    std::vector<double> mean(channels, 0.0);
    for (size_t i = 0; i < x.values.size(); ++i) {
      mean[i % channels] += x.values[i] / static_cast<double>(rows);
    }
    return RunningOr(spec, mean);
  }

  std::vector<double> Variance(const BatchNormalizationSpec& spec,
                               const Tensor& x,
                               const std::vector<double>& mean) {
    const auto channels = static_cast<size_t>(x.dims.back());
    const size_t rows = x.values.size() / channels;
    std::vector<double> variance(channels, 0.0);
    for (size_t i = 0; i < x.values.size(); ++i) {
      const double difference = x.values[i] - mean[i % channels];
      variance[i % channels] +=
          difference * difference / static_cast<double>(rows);
    }
    return RunningOr(spec, variance);
  }

  // Takes the next parameter, the running statistic of that of a batch. Returns
  // the one to normalise with.
  std::vector<double> RunningOr(const BatchNormalizationSpec& spec,
                                const std::vector<double>& of_batch) {
    const double momentum = spec.momentum;
    const size_t param = next_param_++;
    moving_.at(param) = question_.weights.at(param);
    CHECK(moving_[param].size() == of_batch.size());
    if (!question_.training) return moving_[param];
    for (size_t c = 0; c < of_batch.size(); ++c) {
      moving_[param][c] =
          moving_[param][c] * momentum + of_batch[c] * (1 - momentum);
    }
    return of_batch;
  }

  Tensor Apply(const DropoutSpec& spec, const Tensor& x) {
    Tensor y = x;
    if (!question_.training || !question_.keep) return y;
    for (size_t i = 0; i < y.values.size(); ++i) {
      const bool kept = question_.keep(layer_, i);
      y.values[i] = kept ? x.values[i] / (1 - double{spec.rate}) : 0;
    }
    return y;
  }

  Tensor Apply(const ZeroPadding2DSpec& spec, const Tensor& x) {
    Tensor y =
        Zeros(BatchOf(x), {x.dims[0] + spec.top + spec.bottom,
                           x.dims[1] + spec.left + spec.right, x.dims[2]});
    for (int64_t n = 0; n < BatchOf(x); ++n) {
      for (int64_t row = 0; row < x.dims[0]; ++row) {
        for (int64_t column = 0; column < x.dims[1]; ++column) {
          std::copy_n(Pixel(x, n, row, column), x.dims[2],
                      Pixel(y, n, row + spec.top, column + spec.left));
        }
      }
    }
    return y;
  }

  Tensor Apply(const ReshapeSpec& spec, const Tensor& x) {
    CHECK(Product(spec.target.dims) == Product(x.dims));
    return {spec.target.dims, x.values};
  }

  Tensor Apply(const RescalingSpec& spec, const Tensor& x) {
    Tensor y = x;
    for (double& value : y.values) value = spec.scale * value + spec.offset;
    return y;
  }

  Tensor Apply(const AddSpec&, const Tensor&) {
    Tensor y = *inputs_[0];
    for (size_t k = 1; k < inputs_.size(); ++k) {
      CHECK(inputs_[k]->dims == y.dims);
      for (size_t i = 0; i < y.values.size(); ++i) {
        y.values[i] += inputs_[k]->values[i];
      }
    }
    return y;
  }

  Tensor Apply(const ConcatenateSpec&, const Tensor& first) {
    Tensor y{first.dims, {}};
    y.dims.back() = 0;
    for (const Tensor* x : inputs_) y.dims.back() += x->dims.back();
    const int64_t rows =
        static_cast<int64_t>(first.values.size()) / first.dims.back();
    for (int64_t row = 0; row < rows; ++row) {
      for (const Tensor* x : inputs_) {
        const auto* begin = x->values.data() + row * x->dims.back();
        y.values.insert(y.values.end(), begin, begin + x->dims.back());
      }
    }
    return y;
  }

  const LossQuestion& question_;
  size_t layer_ = 0;                   // the one that is applied
  std::vector<const Tensor*> inputs_;  // its inputs
  size_t next_param_ = 0;
  double penalty_ = 0.0;
  std::vector<std::vector<double>> moving_;
};

// log softmax(logits)[index]
double LogSoftmax(std::span<const double> logits, size_t index) {
  const double highest = std::ranges::max(logits);
  double sum = 0.0;
  for (const double logit : logits) sum += std::exp(logit - highest);
  return logits[index] - highest - std::log(sum);
}

double MeanSquaredError(std::span<const double> outputs,
                        std::span<const float> targets) {
  CHECK(outputs.size() == targets.size());
  double sum = 0.0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    sum += (outputs[i] - targets[i]) * (outputs[i] - targets[i]);
  }
  return sum / static_cast<double>(outputs.size());
}

double SparseCrossEntropy(std::span<const double> outputs,
                          std::span<const uint8_t> labels) {
  const size_t classes = outputs.size() / labels.size();
  double sum = 0.0;
  for (size_t n = 0; n < labels.size(); ++n) {
    CHECK(labels[n] < classes);
    sum -= LogSoftmax(outputs.subspan(n * classes, classes), labels[n]);
  }
  return sum / static_cast<double>(labels.size());
}

double CrossEntropy(std::span<const double> outputs,
                    std::span<const float> targets, size_t batch) {
  CHECK(outputs.size() == targets.size());
  const size_t classes = outputs.size() / batch;
  double sum = 0.0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto example = outputs.subspan(i / classes * classes, classes);
    sum -= targets[i] * LogSoftmax(example, i % classes);
  }
  return sum / static_cast<double>(batch);
}

double DataLoss(const LossQuestion& question, std::span<const double> outputs) {
  const size_t batch =
      question.x.size() /
      static_cast<size_t>(Product(question.model.input_shape.dims));
  switch (question.loss) {
    case Loss::kSparseCategoricalCrossentropy:
      CHECK(question.labels.size() == batch);
      return SparseCrossEntropy(outputs, question.labels);
    case Loss::kCategoricalCrossentropy:
      return CrossEntropy(outputs, question.targets, batch);
    case Loss::kMeanSquaredError:
      return MeanSquaredError(outputs, question.targets);
  }
  std::unreachable();
}

double Derivative(LossQuestion& question, double& weight) {
  // Of doubles: the rounding of a loss near 1 makes errors near 1e-10.
  constexpr double kStep = 1e-6;
  const double middle = weight;
  weight = middle + kStep;
  const double above = ComputeLoss(question).loss;
  weight = middle - kStep;
  const double below = ComputeLoss(question).loss;
  weight = middle;
  return (above - below) / (2 * kStep);
}

}  // namespace

LossAnswer ComputeLoss(const LossQuestion& question) {
  Pass pass(question);
  LossAnswer answer;
  answer.outputs = pass.Outputs();
  answer.data_loss = DataLoss(question, answer.outputs);
  answer.loss = answer.data_loss + pass.penalty();
  answer.moving = pass.moving();
  return answer;
}

double LossDerivative(LossQuestion question, size_t param, size_t index) {
  return Derivative(question, question.weights.at(param).at(index));
}

std::vector<std::vector<double>> LossGradient(LossQuestion question) {
  const auto moving = ComputeLoss(question).moving;
  std::vector<std::vector<double>> gradient(question.weights.size());
  for (size_t p = 0; p < gradient.size(); ++p) {
    if (!moving[p].empty()) continue;
    for (double& weight : question.weights[p]) {
      gradient[p].push_back(Derivative(question, weight));
    }
  }
  return gradient;
}

}  // namespace batchsweep::reference
