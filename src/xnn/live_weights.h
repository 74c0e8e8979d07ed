// LiveWeights: the packed weights of an XNNPACK operator, ours to rewrite.
//
// XNNPACK packs weights when an operator is created, in an order that depends
// on operator and CPU, and treats them as constant from then on. To train with
// such an operator:
// 1. Its weights cache is a provider of ours, so it packs into our memory.
// 2. It is created once with weights numbered 1, 2, 3 ... and biases -1, -2,
//    ...: the packed memory then spells out which weight stands where.
// 3. From that comes a list of strided copies, packed position <- weight. A
//    weight may stand in several places: on 64-bit Arm the padding of a ragged
//    last block holds copies of real weights. What is no weight is zero.
// 4. After each update, Refresh() carries the new weights over. Nothing is
//    created, packed or allocated.
// The list is tried out before use: other weights packed by XNNPACK itself must
// give the very bytes that Refresh() gives. If they do not, or if asked to, the
// operator is created anew at each Refresh(), which is right but slower.
#ifndef BATCHSWEEP_XNN_LIVE_WEIGHTS_H_
#define BATCHSWEEP_XNN_LIVE_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "platform/error.h"

struct xnn_operator;
struct xnn_weights_cache_provider;

namespace batchsweep::xnn {

// packed[to + r * to_step + i] = weights[from + r * from_step + i *
// from_stride] for r < rows and i < columns.
struct StridedCopy {
  int64_t to = 0;
  int64_t from = 0;
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t to_step = 0;
  int64_t from_step = 0;
  int64_t from_stride = 1;
};

// The copies that fill `packed` for indexes[p] = the weight at position p, or
// -1 for none. As few as regular layouts allow.
std::vector<StridedCopy> CopiesOf(std::span<const int64_t> indexes);

void RunCopies(std::span<const StridedCopy> copies, const float* weights,
               float* packed);

class LiveWeights {
 public:
  // Creates the operator with `kernel` and `bias` in XNNPACK's own layout; the
  // cache may be null. Returns an xnn_status.
  using CreateOperator =
      std::function<int(const float* kernel, const float* bias,
                        xnn_weights_cache_provider* cache, xnn_operator** op)>;

  struct Options {
    // order[i] is the index, among our weights, of XNNPACK's i-th one.
    std::vector<int64_t> order;
    int64_t biases = 0;     // 0: created without
    bool recreate = false;  // create it anew at each Refresh() in any case
    const char* what = "";  // the operator's name in messages
  };

  static Result<std::unique_ptr<LiveWeights>> Create(Options options,
                                                     CreateOperator create);
  ~LiveWeights();
  LiveWeights(const LiveWeights&) = delete;
  LiveWeights& operator=(const LiveWeights&) = delete;

  // Whether weights are rewritten in place; if not, get() changes with each
  // Refresh(), and must be reshaped and set up again.
  bool live() const { return live_; }
  xnn_operator* get() const { return op_; }

  // The bytes of memory that Bind() wants: 0 unless live().
  int64_t packed_bytes() const;
  // Has the weights packed into `packed`, which is 64-byte aligned. If it is
  // not shared, nobody else writes to it as long as this object lives; if it
  // is, others may, except from each Refresh() to the operator's next run. To
  // be called before the operator's reshape, which asks where its weights are.
  void Bind(std::byte* packed, bool shared);

  // Takes over the weights, in our order; `bias` is null without biases. Fails
  // only where the operator has to be created anew. REQUIRES: Bind() was
  // called.
  Status Refresh(const float* kernel, const float* bias);

 private:
  struct Cache;

  LiveWeights(Options options, CreateOperator create);
  // Creates the operator with numbered weights, and finds the copies.
  Status Number();
  // What XNNPACK packs for kernels and biases that are the numbers of their
  // places: their `digit`, see live_weights.cc.
  Status PackNumbers(int64_t divisor, Cache& cache, xnn_operator** op) const;
  Result<bool> MapHolds();
  Status CreateWith(std::span<const float> kernel, std::span<const float> bias,
                    Cache* cache, xnn_operator** op) const;
  std::vector<float> InXnnpackOrder(const float* kernel) const;

  Options options_;
  CreateOperator create_;
  bool live_ = false;
  bool shared_ = false;
  std::unique_ptr<Cache> cache_;
  xnn_operator* op_ = nullptr;
  std::vector<StridedCopy> kernel_copies_;
  std::vector<StridedCopy> bias_copies_;
};

}  // namespace batchsweep::xnn

#endif  // BATCHSWEEP_XNN_LIVE_WEIGHTS_H_
