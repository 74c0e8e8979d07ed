#include "xnn/fully_connected.h"

#include <xnnpack.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "xnn/sizes.h"

namespace batchsweep::xnn {
namespace {

size_t Size(int64_t value) { return static_cast<size_t>(value); }

}  // namespace

Result<FullyConnected> FullyConnected::Create(const Options& options) {
  // The order below has 8 bytes for each weight; packing pads both sides.
  RETURN_IF_ERROR(CheckBytes("fully connected",
                             {options.in + kPackedPadding,
                              options.out + kPackedPadding, sizeof(int64_t)}));
  std::vector<int64_t> order(Size(options.in * options.out));
  std::iota(order.begin(), order.end(), 0);
  ASSIGN_OR_RETURN(
      auto weights,
      LiveWeights::Create(
          {.order = std::move(order),
           .biases = options.use_bias ? options.out : 0,
           .recreate = options.recreate,
           .what = "fully connected"},
          [options](const float* kernel, const float* bias,
                    xnn_weights_cache_t cache, xnn_operator_t* op) -> int {
            return xnn_create_fully_connected_nc_f32(
                Size(options.in), Size(options.out), Size(options.in),
                Size(options.out), kernel, bias, options.clamp.min,
                options.clamp.max, XNN_FLAG_TRANSPOSE_WEIGHTS,
                /*code_cache=*/nullptr, cache, op);
          }));
  return FullyConnected(std::move(weights), std::max(options.in, options.out));
}

Status FullyConnected::Reshape(int64_t batch, ThreadPool& pool) {
  RETURN_IF_ERROR(
      CheckBytes("fully connected", {batch, widest_, sizeof(float)}));
  batch_ = batch;
  pool_ = &pool;
  return ToStatus(
      xnn_reshape_fully_connected_nc_f32(op(), Size(batch), pool.get()),
      "reshape");
}

Status FullyConnected::Bind(const float* x, float* y) {
  x_ = x;
  y_ = y;
  return ToStatus(xnn_setup_fully_connected_nc_f32(op(), x, y), "bind");
}

Status FullyConnected::Restore() {
  if (pool_ == nullptr) return {};
  RETURN_IF_ERROR(Reshape(batch_, *pool_));
  return Bind(x_, y_);
}

}  // namespace batchsweep::xnn
