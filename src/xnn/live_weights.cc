#include "xnn/live_weights.h"

#include <xnnpack.h>

#include <algorithm>
#include <cstring>

#include "platform/memory.h"
#include "util/check.h"
#include "util/rng.h"

namespace batchsweep::xnn {
namespace {

// float32 holds integers exactly to 2^24, so that larger tensors are numbered
// by two digits to this base, in two passes.
constexpr int64_t kDigit = int64_t{1} << 23;

constexpr int64_t kFloatBytes = sizeof(float);

// A run is tried as a continuation of this many copies, from the last one back.
// One would not do: a ragged block of Arm alternates a run of weights and one
// of padding, which holds copies of weights.
constexpr size_t kOpenRuns = 4;

// Says whether `run` is one row more of `block`.
bool Continues(const StridedCopy& block, const StridedCopy& run) {
  if (run.columns != block.columns) return false;
  if (run.columns > 1 && run.from_stride != block.from_stride) return false;
  // A single row takes any second one: their distance becomes the step.
  return block.rows == 1 ||
         (run.to == block.to + block.rows * block.to_step &&
          run.from == block.from + block.rows * block.from_step);
}

// Returns the longest run of weights at equal distances that starts at `begin`,
// where there is a weight. The distance is not 1 where XNNPACK packs along an
// axis that is not our innermost one, as it does for a convolution's dx.
StridedCopy RunAt(std::span<const int64_t> indexes, int64_t begin) {
  const auto size = static_cast<int64_t>(indexes.size());
  const auto index = [&](int64_t p) { return indexes[static_cast<size_t>(p)]; };
  int64_t end = begin + 1;
  const int64_t stride =
      end < size && index(end) >= 0 ? index(end) - index(begin) : 1;
  while (end < size && index(end) >= 0 &&
         index(end) - index(end - 1) == stride) {
    ++end;
  }
  return {.to = begin,
          .from = index(begin),
          .columns = end - begin,
          .from_stride = stride};
}

// Makes `run` a row of one of the last copies that it continues, or a copy of
// its own.
void AddRun(const StridedCopy& run, std::vector<StridedCopy>& copies) {
  const auto open =
      static_cast<std::ptrdiff_t>(std::min(kOpenRuns, copies.size()));
  const auto block = std::find_if(
      copies.rbegin(), copies.rbegin() + open,
      [&](const StridedCopy& copy) { return Continues(copy, run); });
  if (block == copies.rbegin() + open) {
    copies.push_back(run);
    return;
  }
  if (block->rows == 1) {
    block->to_step = run.to - block->to;
    block->from_step = run.from - block->from;
  }
  ++block->rows;
}

}  // namespace

std::vector<StridedCopy> CopiesOf(std::span<const int64_t> indexes) {
  std::vector<StridedCopy> copies;
  const auto size = static_cast<int64_t>(indexes.size());
  for (int64_t p = 0; p < size;) {
    if (indexes[static_cast<size_t>(p)] < 0) {
      ++p;
      continue;
    }
    const StridedCopy run = RunAt(indexes, p);
    AddRun(run, copies);
    p += run.columns;
  }
  return copies;
}

void RunCopies(std::span<const StridedCopy> copies, const float* weights,
               float* packed) {
  for (const StridedCopy& copy : copies) {
    const float* from = weights + copy.from;
    float* to = packed + copy.to;
    for (int64_t r = 0; r < copy.rows; ++r) {
      if (copy.from_stride == 1) {
        std::memcpy(to, from, static_cast<size_t>(copy.columns * kFloatBytes));
      } else {
        for (int64_t i = 0; i < copy.columns; ++i) {
          to[i] = from[i * copy.from_stride];
        }
      }
      from += copy.from_step;
      to += copy.to_step;
    }
  }
}

// This says where one operator packs to: at first memory of its own, later the
// arena's. XNNPACK asks for the memory once, in create; for its address in each
// reshape; and in each setup whether the weights are in, which must be so from
// the start, or setup fails.
struct LiveWeights::Cache {
  xnn_weights_cache_provider provider = {};
  AlignedBlock own;
  std::byte* memory = nullptr;
  size_t bytes = 0;

  Cache() {
    provider.context = this;
    // A key is never found: packed weights that are found are not packed
    // again, and keys are pointers, which say nothing of the values.
    provider.look_up = [](void*, const xnn_weights_cache_look_up_key*) {
      return SIZE_MAX;
    };
    provider.reserve_space = [](void* context, size_t n) -> void* {
      auto& cache = *static_cast<Cache*>(context);
      auto block = AllocateAligned(static_cast<int64_t>(n));
      // One operator packs once. A second block would be one that the map knows
      // nothing of, so it is refused, and with it the operator.
      if (!block || cache.memory != nullptr) return nullptr;
      cache.own = *std::move(block);
      cache.memory = cache.own.get();
      cache.bytes = n;
      // What XNNPACK leaves unwritten must not look like a weight's number.
      std::memset(cache.memory, 0, n);
      return cache.memory;
    };
    provider.look_up_or_insert = [](void*, const xnn_weights_cache_look_up_key*,
                                    void*, size_t) -> size_t { return 0; };
    provider.is_finalized = [](void*) { return true; };
    provider.offset_to_addr = [](void* context, size_t offset) -> void* {
      return static_cast<Cache*>(context)->memory + offset;
    };
    provider.delete_cache = [](void*) { return xnn_status_success; };
  }

  std::span<float> floats() const {
    return {reinterpret_cast<float*>(memory), bytes / sizeof(float)};
  }
};

LiveWeights::LiveWeights(Options options, CreateOperator create)
    : options_(std::move(options)), create_(std::move(create)) {}

LiveWeights::~LiveWeights() { xnn_delete_operator(op_); }

Result<std::unique_ptr<LiveWeights>> LiveWeights::Create(
    Options options, CreateOperator create) {
  std::unique_ptr<LiveWeights> weights(
      new LiveWeights(std::move(options), std::move(create)));
  if (!weights->options_.recreate) {
    RETURN_IF_ERROR(weights->Number());
    ASSIGN_OR_RETURN(weights->live_, weights->MapHolds());
  }
  if (!weights->live_) {
    // Without a cache XNNPACK packs into memory of its own. The operator is
    // created already here so that errors come before the first step.
    weights->cache_.reset();
    xnn_delete_operator(std::exchange(weights->op_, nullptr));
    const std::vector<float> kernel(weights->options_.order.size());
    const std::vector<float> bias(
        static_cast<size_t>(weights->options_.biases));
    RETURN_IF_ERROR(weights->CreateWith(kernel, bias, nullptr, &weights->op_));
  }
  return weights;
}

Status LiveWeights::CreateWith(std::span<const float> kernel,
                               std::span<const float> bias, Cache* cache,
                               xnn_operator** op) const {
  const int status =
      create_(kernel.data(), bias.empty() ? nullptr : bias.data(),
              cache == nullptr ? nullptr : &cache->provider, op);
  if (status == xnn_status_success) return {};
  return Fail("XNNPACK: create {}: status {}", options_.what, status);
}

std::vector<float> LiveWeights::InXnnpackOrder(const float* kernel) const {
  std::vector<float> ordered(options_.order.size());
  for (size_t i = 0; i < ordered.size(); ++i) {
    ordered[i] = kernel[options_.order[i]];
  }
  return ordered;
}

Status LiveWeights::PackNumbers(int64_t divisor, Cache& cache,
                                xnn_operator** op) const {
  // Numbers begin at 1, since what is neither weight nor bias is packed as 0.
  std::vector<float> kernel(options_.order.size());
  for (size_t i = 0; i < kernel.size(); ++i) {
    kernel[i] = static_cast<float>(options_.order[i] / divisor % kDigit + 1);
  }
  std::vector<float> bias(static_cast<size_t>(options_.biases));
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = -static_cast<float>(i + 1);
  return CreateWith(kernel, bias, &cache, op);
}

Status LiveWeights::Number() {
  cache_ = std::make_unique<Cache>();
  RETURN_IF_ERROR(PackNumbers(1, *cache_, &op_));
  const std::span<float> low = cache_->floats();
  const bool two_digits = static_cast<int64_t>(options_.order.size()) >= kDigit;
  Cache high;
  if (two_digits) {
    xnn_operator* op = nullptr;
    RETURN_IF_ERROR(PackNumbers(kDigit, high, &op));
    xnn_delete_operator(op);
    // A layout that differs between two operators of one shape has no map;
    // MapHolds() will find that none of the weights is copied.
    if (high.bytes != cache_->bytes) return {};
  }
  std::vector<int64_t> kernel_indexes(low.size(), -1);
  std::vector<int64_t> bias_indexes(low.size(), -1);
  for (size_t p = 0; p < low.size(); ++p) {
    if (low[p] > 0) {
      kernel_indexes[p] = static_cast<int64_t>(low[p]) - 1;
      if (two_digits) {
        kernel_indexes[p] +=
            (static_cast<int64_t>(high.floats()[p]) - 1) * kDigit;
      }
    } else if (low[p] < 0) {
      bias_indexes[p] = static_cast<int64_t>(-low[p]) - 1;
    }
  }
  kernel_copies_ = CopiesOf(kernel_indexes);
  bias_copies_ = CopiesOf(bias_indexes);
  return {};
}

// Says whether other weights, packed by XNNPACK itself, give the bytes that our
// copies give. Bytes beside the weights must be zero in both.
Result<bool> LiveWeights::MapHolds() {
  if (cache_->memory == nullptr) return false;
  Rng rng(1, 0);
  const auto draw = [&](std::vector<float>& values) {
    for (float& value : values)
      value = static_cast<float>(rng.Uniform()) - 0.5f;
  };
  std::vector<float> kernel(options_.order.size());
  std::vector<float> bias(static_cast<size_t>(options_.biases));
  draw(kernel);
  draw(bias);
  Cache packed;
  xnn_operator* op = nullptr;
  RETURN_IF_ERROR(
      CreateWith(InXnnpackOrder(kernel.data()), bias, &packed, &op));
  xnn_delete_operator(op);
  if (packed.bytes != cache_->bytes) return false;
  std::memset(cache_->memory, 0, cache_->bytes);
  RunCopies(kernel_copies_, kernel.data(), cache_->floats().data());
  RunCopies(bias_copies_, bias.data(), cache_->floats().data());
  return std::memcmp(packed.memory, cache_->memory, packed.bytes) == 0;
}

int64_t LiveWeights::packed_bytes() const {
  return live_ ? static_cast<int64_t>(cache_->bytes) : 0;
}

void LiveWeights::Bind(std::byte* packed, bool shared) {
  if (!live_) return;
  shared_ = shared;
  // The copies write weights only; what lies between them stays zero.
  std::memset(packed, 0, cache_->bytes);
  cache_->memory = packed;
  cache_->own.reset();
}

Status LiveWeights::Refresh(const float* kernel, const float* bias) {
  CHECK((bias != nullptr) == (options_.biases > 0));
  if (live_) {
    // Others may have written there since, also between the weights, where the
    // operator expects zeros.
    if (shared_) std::memset(cache_->memory, 0, cache_->bytes);
    RunCopies(kernel_copies_, kernel, cache_->floats().data());
    if (bias != nullptr) {
      RunCopies(bias_copies_, bias, cache_->floats().data());
    }
    return {};
  }
  // Without a map only create packs, so new weights take a new operator.
  xnn_delete_operator(std::exchange(op_, nullptr));
  std::span<const float> biases;
  if (bias != nullptr) biases = {bias, static_cast<size_t>(options_.biases)};
  return CreateWith(InXnnpackOrder(kernel), biases, nullptr, &op_);
}

}  // namespace batchsweep::xnn
