#include "data/batcher.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "util/check.h"
#include "util/rng.h"

namespace batchsweep {
namespace {

// Each epoch draws from a stream of its own, this plus its number, so that an
// epoch's order needs none of those before it.
constexpr uint64_t kShuffleStream = uint64_t{1} << 32;

}  // namespace

Batcher::Batcher(ExampleRange range, Options options)
    : range_(range),
      options_(options),
      order_(static_cast<size_t>(range.size())) {}

void Batcher::StartEpoch(int64_t epoch, int64_t position) {
  CHECK(position >= 0 && position <= range_.size());
  epoch_ = epoch;
  position_ = position;
  std::iota(order_.begin(), order_.end(), static_cast<uint32_t>(range_.begin));
  if (!options_.shuffle) return;
  Rng rng(options_.seed, kShuffleStream + static_cast<uint64_t>(epoch));
  Shuffle(std::span(order_), rng);
}

std::span<const uint32_t> Batcher::Next(int64_t batch) {
  const int64_t count = std::min(batch, range_.size() - position_);
  const std::span<const uint32_t> rows(order_.data() + position_,
                                       static_cast<size_t>(count));
  position_ += count;
  return rows;
}

int64_t Batcher::BatchesPerEpoch(int64_t batch) const {
  return (range_.size() + batch - 1) / batch;
}

}  // namespace batchsweep
