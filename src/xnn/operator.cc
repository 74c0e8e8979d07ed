#include "xnn/operator.h"

#include <xnnpack.h>

#include <limits>
#include <utility>

#include "platform/memory.h"
#include "util/check.h"
#include "xnn/sizes.h"

namespace batchsweep::xnn {
namespace {

static_assert(kReadSlackBytes >= XNN_EXTRA_BYTES);

constexpr int64_t kFloatBytes = sizeof(float);
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const char* StatusName(xnn_status status) {
  switch (status) {
    case xnn_status_success:
      return "success";
    case xnn_status_uninitialized:
      return "uninitialized";
    case xnn_status_invalid_parameter:
      return "invalid parameter";
    case xnn_status_invalid_state:
      return "invalid state";
    case xnn_status_unsupported_parameter:
      return "unsupported parameter";
    case xnn_status_unsupported_hardware:
      return "unsupported hardware";
    case xnn_status_out_of_memory:
      return "out of memory";
    default:
      return "unknown status";
  }
}

Status ToStatus(xnn_status status, const char* what) {
  if (status == xnn_status_success) return {};
  if (status == xnn_status_out_of_memory) {
    return Fail("XNNPACK: {}: {}", what, kMemoryRanOut);
  }
  return Fail("XNNPACK: {}: {}", what, StatusName(status));
}

size_t Size(int64_t value) { return static_cast<size_t>(value); }

// The workspaces' alignment is at most that of the arena; a library that wants
// more is one we do not know.
Result<int64_t> WorkspaceBytes(xnn_status status, size_t bytes,
                               size_t alignment, const char* what) {
  RETURN_IF_ERROR(ToStatus(status, what));
  CHECK(alignment <= 64);
  return static_cast<int64_t>(bytes);
}

}  // namespace

Status Initialize() {
  return ToStatus(xnn_initialize(/*allocator=*/nullptr), "initialize");
}

const char* Version() { return BATCHSWEEP_XNNPACK_VERSION; }

const char* PthreadpoolVersion() { return BATCHSWEEP_PTHREADPOOL_VERSION; }

void Operator::Run(ThreadPool& pool) const {
  CHECK(xnn_run_operator(op_.get(), pool.get()) == xnn_status_success);
}

void Operator::Delete::operator()(xnn_operator* op) const {
  xnn_delete_operator(op);
}

Result<MatMul> MatMul::Create(Options options) {
  xnn_operator* op = nullptr;
  RETURN_IF_ERROR(
      ToStatus(xnn_create_batch_matrix_multiply_nc_f32(
                   options.transpose_b ? XNN_FLAG_TRANSPOSE_B : 0, &op),
               "create matrix multiply"));
  return MatMul(op);
}

Result<int64_t> MatMul::Reshape(int64_t m, int64_t k, int64_t n,
                                ThreadPool& pool) {
  for (const auto& [rows, columns] :
       {std::pair{m, k}, std::pair{k, n + kPackedPadding}, std::pair{m, n}}) {
    RETURN_IF_ERROR(
        CheckBytes("matrix multiply", {rows, columns, kFloatBytes}));
  }
  size_t bytes = 0, alignment = 0;
  return WorkspaceBytes(
      xnn_reshape_batch_matrix_multiply_nc_f32(
          get(), /*num_batch_dims=*/0, /*batch_dims_a=*/nullptr,
          /*batch_dims_b=*/nullptr, Size(m), Size(k), Size(n), &bytes,
          &alignment, pool.get()),
      bytes, alignment, "reshape matrix multiply");
}

Status MatMul::Bind(std::byte* workspace, const float* a, const float* b,
                    float* c) {
  return ToStatus(
      xnn_setup_batch_matrix_multiply_nc_f32(get(), workspace, a, b, c),
      "bind matrix multiply");
}

Result<Transpose> Transpose::Create() {
  xnn_operator* op = nullptr;
  RETURN_IF_ERROR(ToStatus(xnn_create_transpose_nd_x32(/*flags=*/0, &op),
                           "create transpose"));
  return Transpose(op);
}

Status Transpose::Reshape(int64_t rows, int64_t columns, ThreadPool& pool) {
  RETURN_IF_ERROR(CheckBytes("transpose", {rows, columns, kFloatBytes}));
  const size_t shape[2] = {Size(rows), Size(columns)};
  const size_t permutation[2] = {1, 0};
  return ToStatus(
      xnn_reshape_transpose_nd_x32(get(), 2, shape, permutation, pool.get()),
      "reshape transpose");
}

Status Transpose::Bind(const float* x, float* y) {
  return ToStatus(xnn_setup_transpose_nd_x32(get(), x, y), "bind transpose");
}

Result<Unary> Unary::Create(Function function) {
  // Both relus are the clamp, with or without an upper end.
  xnn_unary_operator type = xnn_unary_clamp;
  xnn_unary_params params = {.clamp = {.min = 0.0f, .max = kInfinity}};
  switch (function) {
    case Function::kRelu:
      break;
    case Function::kRelu6:
      params.clamp.max = 6.0f;
      break;
    case Function::kTanh:
      type = xnn_unary_tanh;
      break;
    case Function::kSigmoid:
      type = xnn_unary_sigmoid;
      break;
  }
  xnn_operator* op = nullptr;
  RETURN_IF_ERROR(
      ToStatus(xnn_create_unary_elementwise_nc(
                   type, xnn_datatype_fp32, xnn_datatype_fp32,
                   type == xnn_unary_clamp ? &params : nullptr,
                   /*input_quantization=*/nullptr,
                   /*output_quantization=*/nullptr, /*flags=*/0, &op),
               "create unary"));
  return Unary(op);
}

Status Unary::Reshape(int64_t batch, int64_t channels, ThreadPool& pool) {
  RETURN_IF_ERROR(CheckBytes("unary", {batch, channels, kFloatBytes}));
  return ToStatus(xnn_reshape_unary_elementwise_nc(
                      get(), Size(batch), Size(channels), Size(channels),
                      Size(channels), pool.get()),
                  "reshape unary");
}

Status Unary::Bind(const float* x, float* y) {
  return ToStatus(xnn_setup_unary_elementwise_nc(get(), x, y), "bind unary");
}

}  // namespace batchsweep::xnn
