// Batcher: which examples make up the next batch.
//
// The order of an epoch depends on the seed and the epoch's number alone, never
// on the batch size: every batch size of a sweep draws from the same order.
#ifndef BATCHSWEEP_DATA_BATCHER_H_
#define BATCHSWEEP_DATA_BATCHER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace batchsweep {

class Batcher {
 public:
  struct Options {
    uint64_t seed = 1;
    bool shuffle = true;
  };
  Batcher(ExampleRange range, Options options);

  // Draws the order of epoch `epoch`, from 1, and goes to its example
  // `position`. REQUIRES: 0 <= position <= range.size().
  void StartEpoch(int64_t epoch, int64_t position = 0);

  // Rows of the dataset for the next batch: `batch` of them, fewer for the last
  // batch of an epoch, none after it. Valid until the next StartEpoch().
  std::span<const uint32_t> Next(int64_t batch);

  // The epoch that was drawn; 0 before the first.
  int64_t epoch() const { return epoch_; }
  // Examples of this epoch that Next() has given out.
  int64_t position() const { return position_; }
  // Batches in an epoch; the last, smaller one counts.
  int64_t BatchesPerEpoch(int64_t batch) const;

 private:
  ExampleRange range_;
  Options options_;
  std::vector<uint32_t> order_;
  int64_t epoch_ = 0;
  int64_t position_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_BATCHER_H_
