// XNNPACK operators that own themselves: Create, then for each batch size
// Reshape and Bind, then Run as often as wanted. src/xnn is the only user of
// xnnpack.h.
//
// Memory rules for every pointer handed to Bind:
// (1) inputs may be read up to kReadSlackBytes past their end;
// (2) workspaces and tensors start at multiples of 64 bytes;
// (3) nothing may overlap.
//
// Reshape returns the workspace that this shape needs, in bytes. Reshape and
// Bind together cost 0.02 us and allocate nothing; Run does not either.
#ifndef BATCHSWEEP_XNN_OPERATOR_H_
#define BATCHSWEEP_XNN_OPERATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "platform/error.h"
#include "xnn/thread_pool.h"

struct xnn_operator;

namespace batchsweep::xnn {

// XNNPACK's contract is 16 bytes; the slack is a whole cache line so that what
// follows stays aligned.
inline constexpr int64_t kReadSlackBytes = 64;

// Starts XNNPACK; to be called before the first Create. May be called again.
Status Initialize();

// The versions of the libraries that this build was made with, "unknown" where
// their packages do not tell.
const char* Version();
const char* PthreadpoolVersion();

class Operator {
 public:
  // REQUIRES: Reshape and Bind succeeded, and no other thread runs it.
  void Run(ThreadPool& pool) const;

 protected:
  explicit Operator(xnn_operator* op) : op_(op) {}
  xnn_operator* get() const { return op_.get(); }

 private:
  struct Delete {
    void operator()(xnn_operator* op) const;
  };
  std::unique_ptr<xnn_operator, Delete> op_;
};

// c = a b. a (m, k), b (k, n) or, transposed, (n, k), c (m, n).
// It packs b into its workspace on every run. There is no transposed a: this
// XNNPACK accepts the flag and ignores it.
//
// The roofline takes its rate of matrix products from this or from our product,
// whichever is faster. Not wrapped is XNNPACK's dynamic fully connected
// operator: on x86 it reads, with fewer outputs than a register is wide,
// workspace that it never wrote, so that it is right only in zeroed memory of
// its own; and it is not faster.
class MatMul : public Operator {
 public:
  struct Options {
    bool transpose_b = false;
  };
  static Result<MatMul> Create(Options options);

  Result<int64_t> Reshape(int64_t m, int64_t k, int64_t n, ThreadPool& pool);
  Status Bind(std::byte* workspace, const float* a, const float* b, float* c);

 private:
  using Operator::Operator;
};

// y = x transposed. x (rows, columns), y (columns, rows).
class Transpose : public Operator {
 public:
  static Result<Transpose> Create();

  Status Reshape(int64_t rows, int64_t columns, ThreadPool& pool);
  Status Bind(const float* x, float* y);

 private:
  using Operator::Operator;
};

// y = f(x) for each of (batch, channels). y may be x.
class Unary : public Operator {
 public:
  enum class Function { kRelu, kRelu6, kTanh, kSigmoid };
  static Result<Unary> Create(Function function);

  Status Reshape(int64_t batch, int64_t channels, ThreadPool& pool);
  Status Bind(const float* x, float* y);

 private:
  using Operator::Operator;
};

}  // namespace batchsweep::xnn

#endif  // BATCHSWEEP_XNN_OPERATOR_H_
