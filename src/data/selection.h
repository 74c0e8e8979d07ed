// Which examples of a data source a run uses. A reader that knows it reads no
// others.
#ifndef BATCHSWEEP_DATA_SELECTION_H_
#define BATCHSWEEP_DATA_SELECTION_H_

#include <algorithm>
#include <cstdint>
#include <optional>

namespace batchsweep {

// Examples [begin, end) of a file.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
};

// By default all of the training set is trained on. The test set is always used
// whole.
struct Selection {
  // Of a training set of so many examples, how many at its end are held back.
  // Limits leave untouched which ones these are. Null: none.
  int64_t (*held_back_of)(int64_t examples) = nullptr;
  // At most so many, the first ones, of those trained on and held back.
  std::optional<int64_t> train_limit;
  std::optional<int64_t> held_back_limit;

  int64_t HeldBackOf(int64_t examples) const {
    return held_back_of == nullptr ? 0 : held_back_of(examples);
  }
  RowRange Train(int64_t examples) const {
    const int64_t all = examples - HeldBackOf(examples);
    return {0, std::min(all, train_limit.value_or(all))};
  }
  RowRange HeldBack(int64_t examples) const {
    const int64_t all = HeldBackOf(examples);
    const int64_t begin = examples - all;
    return {begin, begin + std::min(all, held_back_limit.value_or(all))};
  }
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_SELECTION_H_
