// What tells one cell of a sweep from another.
#ifndef BATCHSWEEP_RECORD_CELL_H_
#define BATCHSWEEP_RECORD_CELL_H_

#include <cstdint>
#include <string>

#include "util/fields.h"

namespace batchsweep {

// A cell is one training, from its first weights to its test. Its key opens
// each row of every table.
struct CellKey {
  int64_t batch_size = 0;  // of the sweep; an epoch's last step may have fewer
                           // examples
  uint64_t seed = 0;
  int threads = 1;
  int process = 1;  // of those that repeat the same cell, from 1

  bool operator==(const CellKey&) const = default;

  static constexpr auto Fields() {
    using C = CellKey;
    return GroupList<&C::batch_size, &C::seed, &C::threads, &C::process>();
  }
};

// "batch 8", with threads, seed and process where they are not 1.
std::string CellName(const CellKey& cell);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_CELL_H_
